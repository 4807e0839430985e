/** The verbs of the verification server: codes, tokens, signing keys (GAEN). It shares no table with the key server. */
// biome-ignore lint/suspicious/noEmptyInterface: filled with its first verb
export interface VerificationVerbs {}
