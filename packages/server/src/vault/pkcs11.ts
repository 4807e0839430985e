// Keys in a token that speaks PKCS#11 v2.40: made in it, and never out of it. The chapters cited are those of that text.
import { createRequire } from 'node:module'
import { ascii, type Random } from '@vicinity/protocol'
import { publicPoint, sha256 } from '@vicinity/protocol/crypto'
import { isPublicPoint, SIZE } from '@vicinity/protocol/robert'
import type { Mechanism, PKCS11, Template } from 'pkcs11js'
import { type Vault, VaultError, type VaultKeyKind } from './vault.ts'

type Handle = Buffer
type Binding = typeof import('pkcs11js')

export interface TokenPlace {
  /** The library of the token, a path. */
  readonly module: string
  /** Its label. */
  readonly token: string
}

const TAG_BITS = 128
/** More objects than a ceremony makes. */
const MOST_KEYS = 1000
/** OID 1.2.840.10045.3.1.7 of P-256, in DER: what CKA_EC_PARAMS holds. */
const P256 = Buffer.from('06082a8648ce3d030107', 'hex')

/** Compiled by a command of its own; where it is not, everything but tokens works. */
function binding(): Binding {
  try {
    return createRequire(import.meta.url)('pkcs11js') as Binding
  } catch {
    throw new VaultError('absent', 'pkcs11js is not compiled: npm run pkcs11 does it, with make, g++ and python3')
  }
}

/** What the token said, by the names of its interface: no PIN or key can be in that. */
const faultOf = (p11: Binding, error: unknown): VaultError => {
  if (error instanceof VaultError) return error
  const name = error instanceof p11.Pkcs11Error ? error.message : 'CKR_GENERAL_ERROR'
  const locked = /PIN|USER_NOT_LOGGED_IN/.test(name)
  const damaged = /ENCRYPTED_DATA|SIGNATURE/.test(name)
  return new VaultError(locked ? 'locked' : damaged ? 'damaged' : 'failed', `the token answered ${name}`)
}

/** Sessions end when a token is pulled or its daemon starts anew: the next call opens another. */
const LOST =
  /SESSION_HANDLE_INVALID|SESSION_CLOSED|DEVICE_REMOVED|USER_NOT_LOGGED_IN|OBJECT_HANDLE_INVALID|KEY_HANDLE_INVALID/

/** Opens a token. Throws `absent` without the library, the binding or the token, `locked` for a wrong PIN. */
export function tokenVault(place: TokenPlace, pin: string, random: Random, now: () => number): Vault {
  const token = openToken(place, pin)
  return { ...keysOf(token, now), ...looksAt(token), ...usesOf(token, random), close: token.close }
}

/** How keys come into a token and out of the world. */
function keysOf(token: Token, now: () => number): Pick<Vault, 'make' | 'adopt' | 'destroy'> {
  const { p11, library, call, lookUp, secretHalf, forget } = token
  const forms = templatesOf(p11)
  const free = (name: string) => {
    if (secretHalf(name) !== undefined) throw new VaultError('refused', `the token has a key ${name} already`)
  }
  return {
    make(name, kind) {
      free(name)
      const made = Buffer.from(String(Math.floor(now())))
      call((session) => {
        if (kind === 'wrapping') {
          library.C_GenerateKey(session, { mechanism: p11.CKM_AES_KEY_GEN }, [
            ...forms.common(name, made),
            ...forms.secret(kind),
            { type: p11.CKA_VALUE_LEN, value: SIZE.key },
          ])
          return
        }
        library.C_GenerateKeyPair(
          session,
          { mechanism: p11.CKM_EC_KEY_PAIR_GEN },
          [...forms.common(name, made), ...forms.publicHalf(kind), { type: p11.CKA_EC_PARAMS, value: P256 }],
          [...forms.common(name, made), ...forms.secret(kind)],
        )
      })
    },
    adopt(name, kind, bytes) {
      free(name)
      const made = Buffer.from(String(Math.floor(now())))
      call((session) => adoptKey(p11, library, session, { name, kind, bytes, made }))
    },
    destroy(name) {
      for (const type of [p11.CKO_PRIVATE_KEY, p11.CKO_SECRET_KEY, p11.CKO_PUBLIC_KEY]) {
        const object = lookUp(name, type)
        if (object !== undefined) call((session) => library.C_DestroyObject(session, object))
      }
      forget(name)
    },
  }
}

/** What a token tells of its keys. */
function looksAt({
  p11,
  library,
  call,
  find,
  lookUp,
  secretHalf,
}: Token): Pick<Vault, 'names' | 'madeAt' | 'publicPoint'> {
  const attribute = (object: Handle, type: number): Buffer =>
    call((session) => library.C_GetAttributeValue(session, object, [{ type }])[0]!.value as Buffer)
  return {
    names: () => {
      const objects = [p11.CKO_PRIVATE_KEY, p11.CKO_SECRET_KEY].flatMap((type) =>
        find([
          { type: p11.CKA_CLASS, value: type },
          { type: p11.CKA_TOKEN, value: true },
        ]),
      )
      const labels = objects.map((object) => attribute(object, p11.CKA_LABEL).toString('latin1'))
      return labels.filter((label) => label.startsWith(PREFIX)).map((label) => label.slice(PREFIX.length))
    },
    madeAt(name) {
      const object = secretHalf(name)
      const text = object === undefined ? '' : attribute(object, p11.CKA_ID).toString('latin1')
      return /^\d+$/.test(text) ? Number(text) : undefined
    },
    publicPoint(name) {
      const object = lookUp(name, p11.CKO_PUBLIC_KEY)
      if (object === undefined) throw new VaultError('absent', `the token has no key ${name}`)
      // A DER octet string around the point (§2.3.3).
      const point = new Uint8Array(attribute(object, p11.CKA_EC_POINT).subarray(-SIZE.publicPoint))
      if (!isPublicPoint(point)) throw new VaultError('damaged', `the key ${name} has no point on P-256`)
      return point
    },
  }
}

function usesOf({ p11, library, withKey }: Token, random: Random): Pick<Vault, 'agree' | 'sign' | 'wrap' | 'unwrap'> {
  return {
    agree(name, point) {
      const checked = isPublicPoint(point)
      return withKey(name, (session, key) => (checked ? deriveShared(p11, library, session, key, point) : undefined))
    },
    sign: (name, message) =>
      withKey(name, (session, key) => {
        library.C_SignInit(session, { mechanism: p11.CKM_ECDSA }, key)
        return new Uint8Array(library.C_Sign(session, Buffer.from(sha256(message)), Buffer.alloc(64)))
      }),
    wrap: (name, place, bytes) =>
      withKey(name, (session, key) => {
        const iv = Buffer.from(random(SIZE.iv))
        library.C_EncryptInit(session, gcm(p11, iv, place), key)
        const room = Buffer.alloc(bytes.length + SIZE.gcmTag)
        return Buffer.concat([iv, library.C_Encrypt(session, Buffer.from(bytes), room)])
      }),
    unwrap: (name, place, wrapped) =>
      withKey(name, (session, key) => {
        if (wrapped.length < SIZE.iv + SIZE.gcmTag) throw new VaultError('damaged', 'too short for what was wrapped')
        library.C_DecryptInit(session, gcm(p11, Buffer.from(wrapped.subarray(0, SIZE.iv)), place), key)
        const sealed = Buffer.from(wrapped.subarray(SIZE.iv))
        try {
          return new Uint8Array(library.C_Decrypt(session, sealed, Buffer.alloc(sealed.length)))
        } catch (error) {
          // SoftHSM answers a tag that does not fit with a general error.
          if (!(error instanceof p11.Pkcs11Error) || !/GENERAL|ENCRYPTED/.test(error.message)) throw error
          throw new VaultError('damaged', `what was wrapped under ${name} does not open`)
        }
      }),
  }
}

/** A token that is looked at: what the operations of a vault are made of. */
interface Token {
  readonly p11: Binding
  readonly library: PKCS11
  /** Runs a call, once more in another session when its own was lost. */
  readonly call: <Value>(run: (session: Handle) => Value) => Value
  /** As `call`, with the handle of a key, which is looked up again after a session was lost. */
  readonly withKey: <Value>(name: string, run: (session: Handle, key: Handle) => Value) => Value
  readonly find: (template: Template) => readonly Handle[]
  readonly lookUp: (name: string, type: number) => Handle | undefined
  /** The private or secret key of a name. */
  readonly secretHalf: (name: string) => Handle | undefined
  readonly forget: (name: string) => void
  readonly close: () => void
}

function openToken(place: TokenPlace, pin: string): Token {
  const p11 = binding()
  const library = loaded(p11, place.module)
  let secret: string | undefined = pin
  let session: Handle | undefined
  const handles = new Map<string, Handle>()
  const opened = (): Handle => {
    if (secret === undefined) throw new VaultError('locked', 'the vault was closed')
    if (session === undefined) session = openSession(p11, library, place, secret)
    return session
  }
  const end = () => {
    try {
      if (session !== undefined) library.C_CloseSession(session)
    } catch {
      // It is gone already.
    }
    session = undefined
    handles.clear()
  }
  const call: Token['call'] = (run) => {
    for (let tries = 1; ; tries++) {
      try {
        return run(opened())
      } catch (error) {
        // With the session ends what a failure may have left in it: half an operation, a shared secret.
        if (error instanceof p11.Pkcs11Error) end()
        const lost = error instanceof p11.Pkcs11Error && LOST.test(error.message)
        if (!lost || tries === 2) throw faultOf(p11, error)
      }
    }
  }
  const find = (template: Template) =>
    call((session) => {
      library.C_FindObjectsInit(session, template)
      try {
        return library.C_FindObjects(session, MOST_KEYS)
      } finally {
        library.C_FindObjectsFinal(session)
      }
    })
  const lookUp = (name: string, type: number): Handle | undefined =>
    find([
      { type: p11.CKA_CLASS, value: type },
      { type: p11.CKA_LABEL, value: labelOf(name) },
    ])[0]
  const secretHalf = (name: string): Handle | undefined =>
    lookUp(name, p11.CKO_PRIVATE_KEY) ?? lookUp(name, p11.CKO_SECRET_KEY)
  const key = (name: string): Handle => {
    const handle = handles.get(name) ?? secretHalf(name)
    if (handle === undefined) throw new VaultError('absent', `the token has no key ${name}`)
    handles.set(name, handle)
    return handle
  }
  return {
    p11,
    library,
    call,
    withKey: (name, run) => call((session) => run(session, key(name))),
    find,
    lookUp,
    secretHalf,
    forget: (name) => void handles.delete(name),
    close() {
      end()
      secret = undefined
    },
  }
}

/** So that the keys of others in a token are not taken for ours. */
const PREFIX = 'vicinity '
const labelOf = (name: string): Buffer => Buffer.from(ascii(`${PREFIX}${name}`))

// A library is initialised once in a process, whoever uses it.
const libraries = new Map<string, PKCS11>()

function loaded(p11: Binding, path: string): PKCS11 {
  const known = libraries.get(path)
  if (known !== undefined) return known
  const library = new p11.PKCS11()
  try {
    library.load(path)
    library.C_Initialize()
  } catch (error) {
    if (!(error instanceof p11.Pkcs11Error && error.message === 'CKR_CRYPTOKI_ALREADY_INITIALIZED'))
      throw new VaultError('absent', `${path} is no PKCS#11 library that can be used`)
  }
  libraries.set(path, library)
  return library
}

function openSession(p11: Binding, library: PKCS11, { module, token }: TokenPlace, pin: string): Handle {
  const slot = library.C_GetSlotList(true).find((slot) => library.C_GetTokenInfo(slot).label.trim() === token)
  if (slot === undefined) throw new VaultError('absent', `${module} has no token labelled ${token}`)
  const session = library.C_OpenSession(slot, p11.CKF_SERIAL_SESSION | p11.CKF_RW_SESSION)
  try {
    library.C_Login(session, p11.CKU_USER, pin)
  } catch (error) {
    // Who is logged in is so in all sessions of the process.
    if (!(error instanceof p11.Pkcs11Error && error.message === 'CKR_USER_ALREADY_LOGGED_IN')) {
      library.C_CloseSession(session)
      throw faultOf(p11, error)
    }
  }
  return session
}

/** Attributes of keys: each does one thing, none may be read or carried out (§4.9, §4.10). */
function templatesOf(p11: Binding) {
  return {
    common: (name: string, made: Buffer): Template => [
      { type: p11.CKA_TOKEN, value: true },
      { type: p11.CKA_LABEL, value: labelOf(name) },
      { type: p11.CKA_ID, value: made },
      { type: p11.CKA_MODIFIABLE, value: false },
    ],
    publicHalf: (kind: VaultKeyKind): Template => [{ type: p11.CKA_VERIFY, value: kind === 'signing' }],
    secret: (kind: VaultKeyKind): Template => [
      { type: p11.CKA_PRIVATE, value: true },
      { type: p11.CKA_SENSITIVE, value: true },
      { type: p11.CKA_EXTRACTABLE, value: false },
      { type: p11.CKA_DERIVE, value: kind === 'agreement' },
      { type: p11.CKA_SIGN, value: kind === 'signing' },
      { type: p11.CKA_DECRYPT, value: kind === 'wrapping' },
      // Private keys know no CKA_ENCRYPT (§4.9).
      ...(kind === 'wrapping' ? [{ type: p11.CKA_ENCRYPT, value: true }] : []),
    ],
  }
}

const gcm = (p11: Binding, iv: Buffer, place: Uint8Array): Mechanism => ({
  mechanism: p11.CKM_AES_GCM,
  parameter: {
    type: p11.CK_PARAMS_AES_GCM,
    iv,
    ivBits: 8 * iv.length,
    aad: Buffer.from(place),
    tagBits: TAG_BITS,
  } as NonNullable<Mechanism['parameter']>,
})

/** CKM_ECDH1_DERIVE without a derivation function: the x-coordinate, as an object of the session that is read and destroyed. */
function deriveShared(p11: Binding, library: PKCS11, session: Handle, key: Handle, point: Uint8Array): Uint8Array {
  const parameter = { type: p11.CK_PARAMS_EC_DH, kdf: p11.CKD_NULL, publicData: Buffer.from(point) }
  const mechanism = { mechanism: p11.CKM_ECDH1_DERIVE, parameter }
  const shared = library.C_DeriveKey(session, mechanism, key, [
    { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
    { type: p11.CKA_KEY_TYPE, value: p11.CKK_GENERIC_SECRET },
    { type: p11.CKA_TOKEN, value: false },
    { type: p11.CKA_SENSITIVE, value: false },
    { type: p11.CKA_EXTRACTABLE, value: true },
    { type: p11.CKA_VALUE_LEN, value: SIZE.key },
  ])
  try {
    return new Uint8Array(library.C_GetAttributeValue(session, shared, [{ type: p11.CKA_VALUE }])[0]!.value as Buffer)
  } finally {
    library.C_DestroyObject(session, shared)
  }
}

/** A key that lay outside before: it can be read out of the token no more, but somebody may have a copy. */
function adoptKey(
  p11: Binding,
  library: PKCS11,
  session: Handle,
  { name, kind, bytes, made }: { name: string; kind: VaultKeyKind; bytes: Uint8Array; made: Buffer },
): void {
  const forms = templatesOf(p11)
  const value = { type: p11.CKA_VALUE, value: Buffer.from(bytes) }
  const secret = [...forms.common(name, made), ...forms.secret(kind), value]
  if (kind === 'wrapping') {
    library.C_CreateObject(session, [
      { type: p11.CKA_CLASS, value: p11.CKO_SECRET_KEY },
      { type: p11.CKA_KEY_TYPE, value: p11.CKK_AES },
      ...secret,
    ])
    return
  }
  const curve = [
    { type: p11.CKA_KEY_TYPE, value: p11.CKK_EC },
    { type: p11.CKA_EC_PARAMS, value: P256 },
  ]
  const point = Buffer.concat([Buffer.from('0441', 'hex'), publicPoint(bytes)])
  library.C_CreateObject(session, [{ type: p11.CKA_CLASS, value: p11.CKO_PRIVATE_KEY }, ...curve, ...secret])
  library.C_CreateObject(session, [
    { type: p11.CKA_CLASS, value: p11.CKO_PUBLIC_KEY },
    ...curve,
    ...forms.common(name, made),
    ...forms.publicHalf(kind),
    { type: p11.CKA_EC_POINT, value: point },
  ])
}
