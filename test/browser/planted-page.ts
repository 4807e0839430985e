// In the page: what must be noticed.

export function run(what: 'answer' | 'throw' | 'complain' | 'load' | 'hang' | 'evaluate'): unknown {
  switch (what) {
    case 'throw':
      throw new RangeError('planted')
    case 'complain':
      return console.error('planted')
    case 'load':
      return import(new URL('./nowhere.ts', import.meta.url).href)
    case 'hang':
      return new Promise(() => {})
    case 'evaluate':
      return new Function('return 1')()
    default:
      return { bytes: [1, 2, 3], isolated: Reflect.get(globalThis, 'crossOriginIsolated') }
  }
}
