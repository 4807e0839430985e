import type { EndpointName, RequestOf, ResponseOf, UnixSeconds, UtcDay } from '@vicinity/protocol'

/** What one identifier was heard to say in one slot: an item of 21 bytes and the time of its reception, unfolded. */
export interface KeptItem {
  readonly time: UnixSeconds
  readonly item: Uint8Array
}

type OneCall<Name extends EndpointName> = {
  readonly type: 'call'
  /** Number of the call: the host repeats it with the outcome. */
  readonly call: number
  readonly endpoint: Name
  readonly request: RequestOf<Name>
}
type OneAnswer<Name extends EndpointName> = {
  readonly type: 'answered'
  readonly call: number
  readonly endpoint: Name
  readonly response: ResponseOf<Name>
}
type Called = 'challenge' | 'register' | 'request' | 'codeWindow' | 'redeemCode' | 'upload'

/** What happens to a phone. */
export type PhoneEvent =
  /** The user installed the application and agreed to take part: register. */
  | { readonly type: 'install' }
  /** The time asked for by `wake` has come. */
  | { readonly type: 'wake' }
  /** The radio received 16 bytes; strength in dBm when the radio knows it. */
  | { readonly type: 'heard'; readonly hello: Uint8Array; readonly strength?: number }
  | { readonly [name in Called]: OneAnswer<name> }[Called]
  /** The call did not succeed: the server refused it (it is no use repeating), or the world failed. */
  | { readonly type: 'failed'; readonly call: number; readonly refused: boolean }
  /** The host solved the registration challenge. */
  | { readonly type: 'solved'; readonly solution: Uint8Array }
  /** The user entered the code that the authority gave. */
  | { readonly type: 'declare'; readonly code: string }
  /** The user agrees, or not, that what was heard in the authority's window is sent. */
  | { readonly type: 'consent'; readonly given: boolean }
  /** The user leaves: broadcasting stops at once, the account and everything on the phone go (ROBERT appendix C). */
  | { readonly type: 'leave' }
  /** The user wants the back-end to forget the exposures it knows of (ROBERT appendix C). */
  | { readonly type: 'eraseHistory' }
  /** The user was tested negative, and got this token of 36 bytes from the authority. */
  | { readonly type: 'negativeTest'; readonly token: Uint8Array }
  /** What the host's log holds between the times asked for by `recall`. */
  | { readonly type: 'recalled'; readonly items: readonly KeptItem[] }

/** What the user is told. */
export type Notice =
  | { readonly what: 'atRisk'; readonly exposureDay: UtcDay | 0 }
  /** Broadcasting stopped: no identifier is left for this epoch. */
  | { readonly what: 'identifiersExhausted' }
  | { readonly what: 'broadcasting' }
  | { readonly what: 'codeRefused' }
  | { readonly what: 'declarationSent' }
  | { readonly what: 'registeredAnew' }
  | { readonly what: 'left' }
  | { readonly what: 'historyErased' }
  /** A negative test ended the warning, or the days of the warning are over. */
  | { readonly what: 'warningEnded' }
  | { readonly what: 'testRefused' }

/** What a phone wants done. Its host performs effects in order and never decides anything. */
export type PhoneEffect =
  | { readonly [name in Called]: OneCall<name> }[Called]
  /** Find a solution of the proof of work, apart from what must answer. */
  | { readonly type: 'solve'; readonly challenge: Uint8Array }
  /** Append to the host's log of what was heard. */
  | { readonly type: 'keep'; readonly items: readonly KeptItem[] }
  /** Remove from the log what was received before this time. */
  | { readonly type: 'forget'; readonly before: UnixSeconds }
  /** Read the log: strictly between the two times (ROBERT §6.1). */
  | { readonly type: 'recall'; readonly after: UnixSeconds; readonly before: UnixSeconds }
  /** Change the radio's random address now, together with the identifier (ROBERT footnote 4). */
  | { readonly type: 'rotateAddress' }
  /** Step again at this time at the latest; replaces the wake-up asked for before. In the phone's own clock. */
  | { readonly type: 'wake'; readonly at: UnixSeconds }
  /** Save `snapshot(state)` before performing the effects that follow. */
  | { readonly type: 'persist' }
  | { readonly type: 'tell'; readonly notice: Notice }
