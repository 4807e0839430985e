// WebAssembly modules stand in the source as base64, so that they load at once and without a request, in Node and in browsers.

/** What the modules of this folder export: functions, addresses and sizes, and their memory, which never grows. */
export interface Kernel {
  readonly memory: Uint8Array
  readonly call: (name: string) => (...values: number[]) => number
  readonly constant: (name: string) => number
}

export function loadKernel(base64: string): Kernel {
  const text = atob(base64)
  const bytes = Uint8Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))
  const exports = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  return {
    memory: new Uint8Array((exports['memory'] as { readonly buffer: ArrayBuffer }).buffer),
    call: (name) => exports[name] as (...values: number[]) => number,
    constant: (name) => (exports[name] as { readonly value: number }).value,
  }
}
