import { runProcess } from '../pipelines/core/process.ts'

/** What the driver says of a GPU that was taken out of use, for people; empty where it says nothing or nobody may ask it. */
export async function gpuEvidence(uuid: string): Promise<string[]> {
  const options = ['-i', uuid, `--query-gpu=${FIELDS.join(',')}`, '--format=csv,noheader']
  const state = await runProcess('nvidia-smi', options, { timeoutMs: 20_000 })
  const log = await runProcess('dmesg', [], { timeoutMs: 5000 })
  return [...(state.ok ? namedFields(state.stdout) : []), ...(log.ok ? xidErrors(log.stdout) : [])]
}

const FIELDS = ['temperature.gpu', 'ecc.errors.uncorrected.volatile.total', 'retired_pages.pending', 'pstate']

function namedFields(text: string): string[] {
  const values = text.trim().split(',')
  return FIELDS.flatMap((name, index) => {
    const value = values[index]?.trim()
    return value === undefined || value === '' || value.startsWith('[') ? [] : [`${name} ${value}`]
  })
}

/** The last errors that the driver wrote into the kernel's log (https://docs.nvidia.com/deploy/xid-errors/). */
export function xidErrors(log: string): string[] {
  const lines = log.split('\n').flatMap((line) => /\bNVRM: (Xid .*)/.exec(line)?.[1] ?? [])
  return lines.slice(-MOST_LINES).map((line) => line.slice(0, MOST_CHARACTERS))
}

const MOST_LINES = 3
const MOST_CHARACTERS = 200
