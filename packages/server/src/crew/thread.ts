// The thread: one job after another. What throws ends it, with all that it holds; whoever waits is told, and another one is started.
import { parentPort } from 'node:worker_threads'
import type { Message } from './threads.ts'
import { doWork } from './work.ts'

parentPort?.on('message', ({ number, name, job }: Message) => {
  parentPort?.postMessage([number, doWork(name, job)])
})
