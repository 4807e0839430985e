// In the page: loads modules and says how many names each exports.

export const run = (paths: readonly string[]): Promise<readonly (readonly [path: string, names: number])[]> =>
  Promise.all(
    paths.map(async (path) => {
      const module = (await import(`/${path}`)) as object
      return [path, Object.keys(module).length] as const
    }),
  )
