/**
 * Simulates a room of GPUs judging many candidates, and says where the time goes: `node bench/scale.ts [candidates] [shards]`.
 * Stations take shards from one queue, as `pipelines/engines/ray/driver.py` hands them out; chance decides which candidates compile. The
 * costs of single steps are those of bench/results; the room is not real.
 */

/** Seconds, each with where it was seen. */
const COSTS = {
  /** One candidate, from the GPU's point of view: 91 candidates in 179 s, 133 in 324 s (2026-11-21-h100.md). */
  gpu: 2.2,
  /** Of a processor for judging one candidate: each of six judges took 8 s and waited for 40 % of it (2026-11-21-h100.md). */
  judge: 4.8,
  /** Of a processor for building one CUDA extension, split (2026-11-21-h100.md, bench/compile.py). */
  compile: 13,
  /** Share of candidates that build an extension. */
  compiled: 0.35,
  /** Of a processor for looking at one candidate row; each shard looks at them all to find its own (2026-11-21-ray.md). */
  readRow: 0.0000027,
  /** Starting the judges of a station until the first verdict (2026-11-21-h100.md). */
  warmUp: 23,
  /** From submitting a job until its first station is there (2026-11-21-ray.md). */
  job: 12,
  /** A warm station and the driver, per shard (2026-11-21-ray.md). */
  shard: 0.15,
  /** Of the driver alone, per shard: it is one process (distribution of events, 2026-11-21-ray.md). */
  driver: 0.01,
}

const candidates = Number(process.argv[2] ?? 500_000)
const shards = Number(process.argv[3] ?? 4096)
const CORES = [4, 8, 16]
const GPUS = [1, 8, 64, 256, 1000]

console.log(`${candidates} candidates in ${shards} shards`)
console.log('| GPUs | cores per GPU | hours | GPU busy | GPU hours | what limits |')
console.log('| ---: | ---: | ---: | ---: | ---: | --- |')
for (const gpus of GPUS) {
  for (const cores of CORES) {
    const { seconds, busy, limit } = simulate(gpus, cores)
    const cells = [gpus, cores, (seconds / 3600).toFixed(2), `${Math.round(100 * busy)} %`, Math.round((gpus * seconds) / 3600)] // prettier-ignore
    console.log(`| ${cells.join(' | ')} | ${limit} |`)
  }
}

function simulate(gpus: number, cores: number): { seconds: number; busy: number; limit: string } {
  const random = openRandom(7)
  const free = Array.from({ length: gpus }, () => COSTS.job + COSTS.warmUp)
  const spent = { gpu: 0, judging: 0, compiling: 0, reading: 0, shard: 0 }
  let driver = 0
  for (let shard = 0; shard < shards; shard += 1) {
    const count = Math.floor(((shard + 1) * candidates) / shards) - Math.floor((shard * candidates) / shards)
    const built = Array.from({ length: count }, random).filter((chance) => chance < COSTS.compiled).length
    const work = { gpu: count * COSTS.gpu, judging: (count * COSTS.judge) / cores, compiling: (built * COSTS.compile) / cores } // prettier-ignore
    const reading = candidates * COSTS.readRow
    const station = indexOfLeast(free)
    driver = Math.max(driver + COSTS.driver, free[station] ?? 0)
    free[station] = driver + reading + COSTS.shard + Math.max(work.gpu, work.judging + work.compiling)
    for (const [name, value] of Object.entries({ ...work, reading, shard: COSTS.shard })) add(spent, name, value)
  }
  const seconds = Math.max(...free)
  const idle = gpus * seconds - free.reduce((sum, end) => sum + end, 0)
  return { seconds, busy: spent.gpu / (gpus * seconds), limit: limitOf(spent, idle, gpus * (COSTS.job + COSTS.warmUp)) }
}

type Spent = Record<'gpu' | 'judging' | 'compiling' | 'reading' | 'shard', number>

function add(spent: Spent, name: string, value: number): void {
  if (name === 'gpu' || name === 'judging' || name === 'compiling' || name === 'reading' || name === 'shard') spent[name] += value // prettier-ignore
}

function limitOf(spent: Spent, idle: number, start: number): string {
  const processor = spent.judging + spent.compiling
  const parts: [string, number][] = [
    processor > spent.gpu ? [`processor (${Math.round((100 * spent.compiling) / processor)} % compiling)`, processor] : ['GPU', spent.gpu],
    ['finding rows', spent.reading],
    ['waiting for the last shards', idle],
    ['starting', start],
  ] // prettier-ignore
  return parts
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 2)
    .map(([name, value]) => `${name} ${Math.round((100 * value) / parts.reduce((sum, [, each]) => sum + each, 0))} %`)
    .join(', ')
}

function indexOfLeast(values: readonly number[]): number {
  let least = 0
  for (const [index, value] of values.entries()) if (value < (values[least] ?? 0)) least = index
  return least
}

// Mulberry32, public domain: the same numbers each time.
function openRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
