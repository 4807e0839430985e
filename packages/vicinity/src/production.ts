// What `production: true` refuses, and `vicinity doctor` warns of otherwise.
import { PARAMETERS } from '@vicinity/protocol/robert'
import { type Config, placesOf, SECRETS, type SecretName, secretOf, withoutPassword } from './config.ts'

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|::1|localhost)$/
const LEAST_SECRET = 24

/** What is only fit for trying out: each with what to do instead. */
export function unsafeSettings(config: Config): readonly string[] {
  const { store } = placesOf(config)
  const short = (Object.keys(SECRETS) as SecretName[]).filter(
    (name) => (secretOf(name)?.length ?? LEAST_SECRET) < LEAST_SECRET,
  )
  const { proofOfWork, poolWindow } = config.parameters
  const inFile = config.vault?.startsWith('file:') === true && !config.allowFileVault
  const found: readonly (readonly [boolean, string])[] = [
    [config.vault === undefined, 'vault: the keys lie in the open in their directory: give the address of a vault'],
    [inFile, 'vault: a file can be copied: give a token (pkcs11:), or say allowFileVault'],
    [
      !LOOPBACK.test(config.host) && config.tlsCertificate === undefined && !config.behindProxy,
      'host: a public address without TLS: give tlsCertificate and tlsKey, or say behindProxy where a proxy ends TLS',
    ],
    [
      store === 'postgres:throwaway' || store.startsWith('sqlite::memory:'),
      'store: it ends with the process: give sqlite:PATH or postgres://…',
    ],
    [
      /[?&]synchronous=normal/.test(store),
      'store: synchronous=normal loses the last commits with the power: leave it out',
    ],
    [
      store !== withoutPassword(store),
      'store: the password stands in the address: leave it out, and set PGPASSWORD or PGPASSFILE',
    ],
    [isOpenToTheNetwork(store), 'store: PostgreSQL over a network without sslmode=verify-full: add it to the address'],
    [config.replyGrid === 0, 'replyGrid: 0 lets the time of a reply tell what it is: leave it out'],
    [
      proofOfWork !== undefined && proofOfWork < PARAMETERS.proofOfWork.value,
      `parameters: proofOfWork below ${PARAMETERS.proofOfWork.value} lets anybody register millions: leave it out`,
    ],
    [
      poolWindow === 0,
      'parameters: poolWindow 0 applies items as they come, so that their order tells who declared: leave it out',
    ],
    ...short.map(
      (name) => [true, `${name}: shorter than ${LEAST_SECRET} characters can be guessed: draw a longer one`] as const,
    ),
  ]
  return found.filter(([is]) => is).map(([, text]) => text)
}

function isOpenToTheNetwork(store: string): boolean {
  const url = /^postgres(ql)?:\/\//.test(store) ? URL.parse(store) : null
  if (url === null) return false
  const host = url.searchParams.get('host') ?? url.hostname
  return (
    !(host === '' || host.startsWith('/') || LOOPBACK.test(host)) && url.searchParams.get('sslmode') !== 'verify-full'
  )
}
