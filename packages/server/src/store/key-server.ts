/** The verbs of the key server: diagnosis keys, exports, imports (GAEN). */
// biome-ignore lint/suspicious/noEmptyInterface: filled with its first verb
export interface KeyServerVerbs {}
