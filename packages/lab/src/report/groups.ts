import { readFileSync } from 'node:fs'

/** The departments of a trace, when a file of the columns `id,group` lies beside it: `NAME.nodes.csv` for `NAME.csv.gz`. */
export function loadGroups(tracePath: string): ReadonlyMap<number, string> {
  const path = tracePath.replace(/(\.csv|\.txt|\.dat)?(\.gz)?$/, '.nodes.csv')
  let lines: string[]
  try {
    lines = readFileSync(path, 'utf8').split('\n')
  } catch {
    return new Map()
  }
  const rows = lines.slice(1).map((line) => line.trim().split(','))
  return new Map(rows.flatMap(([id, group]) => (group === undefined ? [] : [[Number(id), group] as const])))
}
