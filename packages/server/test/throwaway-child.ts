// Started by a test: has a throwaway cluster until it is killed, and says where.
import { startThrowaway } from '../src/store/throwaway.ts'

const { url } = await startThrowaway()
process.send!(new URL(url).searchParams.get('host'))
setInterval(() => {}, 1000)
