import { basename } from 'node:path'
import {
  type Collected,
  collectReport,
  loadGroups,
  REPORT_POLICY,
  reportPage,
  reportParts,
  type Trace,
} from '@vicinity/lab'
import type { Pages } from '@vicinity/server'

type Options = Parameters<typeof collectReport>[0]['options']

/** A report on the replay of a trace file, with the departments that lie beside it. */
export function reportOf(path: string, trace: Trace, options: Options): Collected {
  const name = basename(path).replace(/(?:\.(?:csv|txt|dat))?(?:\.gz)?$/, '')
  return collectReport({ name, trace, groups: loadGroups(path), options })
}

/** The page and what it asks for while the replay runs. */
export const reportPages = ({ report }: Pick<Collected, 'report'>): Pages => ({
  '/': () => ({ type: 'text/html; charset=utf-8', body: reportPage(report()), policy: REPORT_POLICY }),
  '/report.json': () => {
    const data = report()
    return { type: 'application/json', body: JSON.stringify({ report: data, parts: reportParts(data) }) }
  },
})
