// The phones: a thread with connections of its own, which offers status requests to a server on this machine.
import { Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { arrivals, offer, type Point, pointOf } from './load.ts'

export interface LoadData {
  readonly port: number
  /** 96 bytes a row. */
  readonly requests: Uint8Array
}

export interface LoadStep {
  readonly rate: number
  readonly seconds: number
}

const LINES = 256
/** Whoever has no answer by then takes none. */
const PATIENCE_MS = 10_000
const REQUEST = 96
const REPLY_FIELD = '{"reply":"'

const { port, requests } = workerData as LoadData
let used = 0

interface Line {
  readonly socket: Socket
  done: ((served: boolean) => void) | undefined
  /** What has come of an answer, as latin1. */
  answer: string
}

const idle: Line[] = []

/** A connection; one that is lost ends its call. What is written before it is there waits. */
function openLine(): Line {
  const socket = new Socket()
  const line: Line = { socket, done: undefined, answer: '' }
  const end = (served: boolean) => {
    const { done } = line
    line.done = undefined
    line.answer = ''
    done?.(served)
  }
  socket.setNoDelay(true).setEncoding('latin1')
  socket.on('timeout', () => socket.destroy())
  socket.on('error', () => {})
  socket.on('data', (text: string) => {
    line.answer += text
    const served = isWhole(line.answer)
    if (served === undefined) return
    socket.setTimeout(0)
    if (served) idle.push(line)
    else socket.destroy()
    end(served)
  })
  socket.on('close', () => {
    const at = idle.indexOf(line)
    if (at >= 0) idle.splice(at, 1)
    end(false)
  })
  return line
}

/** Whether an answer is the reply; undefined while it is not whole. */
function isWhole(text: string): boolean | undefined {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return undefined
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])
  if (text.length < head + 4 + length) return undefined
  return text.startsWith('HTTP/1.1 200') && text.startsWith(REPLY_FIELD, head + 4)
}

function send(call: number, done: (served: boolean) => void): void {
  const line = idle.pop() ?? openLine()
  line.done = done
  line.socket.setTimeout(PATIENCE_MS)
  if (line.socket.pending) line.socket.connect(port, '127.0.0.1')
  const row = Buffer.from(requests.buffer, requests.byteOffset + REQUEST * call, REQUEST)
  const body = `{"request":"${row.toString('base64url')}"}`
  const head = `POST /v1/request HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`
  line.socket.write(`${head}\r\n\r\n${body}`, 'latin1')
}

async function run({ rate, seconds }: LoadStep): Promise<Point> {
  const due = arrivals(rate, seconds, Math.random)
  const first = used
  used += due.length
  if (used > requests.length / REQUEST) throw new Error('too few requests were made')
  const start = performance.now()
  const answered = await offer({
    due,
    lines: LINES,
    now: () => (performance.now() - start) / 1e3,
    at: (time, then) => void setTimeout(then, Math.max(1, 1e3 * time - (performance.now() - start))),
    send: (call, done) => send(first + call, done),
  })
  return pointOf(due, answered, seconds)
}

parentPort?.on('message', async (step: LoadStep) => parentPort?.postMessage(await run(step)))
