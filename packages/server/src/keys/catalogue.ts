// Every key of a back-end: what it is for, where it lies, how long it lives, who may hold a copy. A key that has no row here cannot be.
import type { VaultKeyKind } from '../vault/vault.ts'

/**
 * `vault`: used where it lies, never seen. `files`: wrapped by the vault, in memory while it is used. Who makes it: the ceremony, or the
 * back-end by itself when it is first needed.
 */
export interface KeyRow {
  /** As it is written in documents; `N` is a number, `V` a version. */
  readonly name: string
  readonly pattern: RegExp
  readonly purpose: string
  readonly lies: 'vault' | 'files'
  readonly kind: VaultKeyKind | 'secret'
  readonly madeBy: 'ceremony' | 'back-end'
  readonly life: string
  /** Days after which whoever runs the back-end should replace it; undefined where the clock does, or nobody. */
  readonly dueDays?: number
  /** Whether it may be split into shares for keepers: only what a restored back-end cannot do without, and never what has to end. */
  readonly escrow: boolean
}

const LONG = 'the service'

export const CATALOGUE: readonly KeyRow[] = [
  {
    name: 'registration',
    pattern: /^registration$/,
    purpose: 'sk_S: key agreement with phones (ROBERT §3.1)',
    lies: 'vault',
    kind: 'agreement',
    madeBy: 'ceremony',
    life: LONG,
    dueDays: 365,
    escrow: false,
  },
  {
    name: 'audit',
    pattern: /^audit$/,
    purpose: 'signs the heads of the audit log',
    lies: 'vault',
    kind: 'signing',
    madeBy: 'ceremony',
    life: 'the audit log',
    escrow: false,
  },
  {
    name: 'export-key-V',
    pattern: /^export-key-[\w.-]+$/,
    purpose: 'signs exports of GAEN',
    lies: 'vault',
    kind: 'signing',
    madeBy: 'ceremony',
    life: 'its version',
    dueDays: 365,
    escrow: false,
  },
  {
    name: 'key-encryption[-N]',
    pattern: /^key-encryption(-\d+)?$/,
    purpose: 'wraps the key files',
    lies: 'vault',
    kind: 'wrapping',
    madeBy: 'ceremony',
    life: 'until the next, and no file is under it',
    dueDays: 365,
    escrow: false,
  },
  {
    name: 'federation',
    pattern: /^federation$/,
    purpose: 'K_G: encrypts country codes (ROBERT §3.1)',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: true,
  },
  {
    name: 'vault[-N]',
    pattern: /^vault(-\d+)?$/,
    purpose: 'data key: seals the keys of users in the store',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: 'until the next, and no row is under it',
    dueDays: 365,
    escrow: true,
  },
  {
    name: 'draw',
    pattern: /^draw$/,
    purpose: 'draws false alarms (appendix A); its check tells a foreign database',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: true,
  },
  {
    name: 'backup',
    pattern: /^backup$/,
    purpose: 'seals backups of the store',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: true,
  },
  {
    name: 'tombstone',
    pattern: /^tombstone$/,
    purpose: 'marks of who left',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: true,
  },
  {
    name: 'issuer',
    pattern: /^issuer$/,
    purpose: 'issues tokens of uploads; replaced by a generation',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: false,
  },
  {
    name: 'reply',
    pattern: /^reply$/,
    purpose: 'names replies',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: false,
  },
  {
    name: 'challenge',
    pattern: /^challenge$/,
    purpose: 'signs challenges of registration; replaced by a generation',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: false,
  },
  {
    name: 'reset',
    pattern: /^reset$/,
    purpose: 'issues tokens of negative tests; replaced by a generation',
    lies: 'files',
    kind: 'secret',
    madeBy: 'ceremony',
    life: LONG,
    escrow: false,
  },
  {
    name: 'padding',
    pattern: /^padding$/,
    purpose: 'invents the keys that hide published ones',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: LONG,
    escrow: false,
  },
  {
    name: 'generation-N',
    pattern: /^generation-\d+$/,
    purpose: 'how often the store was restored; no secret',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: 'until the next restore',
    escrow: false,
  },
  {
    name: 'certificate-N',
    pattern: /^certificate-\d+$/,
    purpose: 'signs verification certificates',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: '30 days',
    escrow: false,
  },
  {
    name: 'token-N',
    pattern: /^token-\d+$/,
    purpose: 'signs tokens of the verification server',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: '30 days',
    escrow: false,
  },
  {
    name: 'code-N',
    pattern: /^code-\d+$/,
    purpose: 'hashes verification codes',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: '60 days, and 31',
    escrow: false,
  },
  {
    name: 'revision-N',
    pattern: /^revision-\d+$/,
    purpose: 'seals revision tokens',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: '15 days, and 15',
    escrow: false,
  },
  {
    name: 'server-key-N',
    pattern: /^server-key-\d+$/,
    purpose: 'K_S of a UTC day: makes identifiers',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: 'its day, and CT + 1 days',
    escrow: false,
  },
  {
    name: 'intake-N',
    pattern: /^intake-\d+$/,
    purpose: 'seals the items of a pool window in the queue',
    lies: 'files',
    kind: 'secret',
    madeBy: 'back-end',
    life: 'until its window is applied',
    escrow: false,
  },
]

/** The row of a key; undefined for a name that no key has. */
export const rowOf = (name: string): KeyRow | undefined => CATALOGUE.find(({ pattern }) => pattern.test(name))

/** Keys that a ceremony makes for a service, in this order. */
export const ceremonyNames = (exportVersions: readonly string[]): readonly string[] => [
  ...CATALOGUE.filter(({ madeBy, name }) => madeBy === 'ceremony' && name !== 'export-key-V').map(({ name }) =>
    name.replace('[-N]', ''),
  ),
  ...exportVersions.map((version) => `export-key-${version}`),
]

/** Keys that may be split into shares, among some names. */
export const escrowNames = (names: readonly string[]): readonly string[] =>
  names.filter((name) => rowOf(name)?.escrow === true)
