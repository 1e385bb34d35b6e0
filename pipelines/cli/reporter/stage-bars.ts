import { MultiBar, Presets } from 'cli-progress'
import type { SingleBar } from 'cli-progress'
import type { WriteStream } from 'node:tty'
import { wrapText } from './text-table.ts'
import { formatDuration, formatRate } from './units.ts'

/** One progress bar per stage, summed over its shards; plain lines where the stream is no terminal. */
export interface StageBars {
  start(stage: string, unit: string, shards: number): void
  update(stage: string, shard: string, done: number, total: number): void
  finishShard(stage: string): void
  finish(stage: string, duration: string): void
  /** A line above the bars. */
  print(text: string): void
  stop(): void
}

interface Running {
  readonly bar: SingleBar | null
  readonly unit: string
  readonly shards: number
  readonly startedAt: number
  readonly progress: Map<string, { done: number; total: number }>
  shardsDone: number
}

/** Bars on the given stream, so that standard output stays free for results. */
export function openStageBars(stream: WriteStream): StageBars {
  const isTerminal = stream.isTTY
  const running = new Map<string, Running>()
  let bars: MultiBar | null = null

  function multiBar(): MultiBar {
    bars ??= openMultiBar(stream)
    return bars
  }
  function draw(state: Running): void {
    const totals = sum(state)
    state.bar?.setTotal(Math.max(totals.total, 1))
    state.bar?.update(totals.done, describe(state, totals))
  }
  return {
    start(stage, unit, shards) {
      const state = { unit, shards, startedAt: Date.now(), progress: new Map(), shardsDone: 0 }
      const bar = isTerminal ? multiBar().create(1, 0, { stage: stage.padEnd(8), text: '' }) : null
      running.set(stage, { ...state, bar })
      if (!isTerminal) stream.write(`${stage}: ${shards} ${shards === 1 ? 'shard' : 'shards'} to do\n`)
    },
    update(stage, shard, done, total) {
      const state = running.get(stage)
      if (state === undefined) return
      state.progress.set(shard, { done, total })
      draw(state)
    },
    finishShard(stage) {
      const state = running.get(stage)
      if (state === undefined) return
      state.shardsDone += 1
      draw(state)
    },
    finish(stage, duration) {
      const state = running.get(stage)
      if (state === undefined) return
      const { done } = sum(state)
      state.bar?.update(Math.max(done, 1), { text: `${done} ${state.unit} in ${duration}` })
      state.bar?.stop()
      if (!isTerminal) stream.write(`${stage}: ${done} ${state.unit} in ${duration}\n`)
      running.delete(stage)
    },
    print(text) {
      if (bars === null) stream.write(`${text}\n`)
      else bars.log(clearedLines(text, stream.columns))
    },
    stop() {
      // Lines that wait for the next drawing would be lost.
      bars?.update()
      bars?.stop()
      bars = null
      running.clear()
    },
  }
}

function openMultiBar(stream: WriteStream): MultiBar {
  const looks = { format: FORMAT, barsize: barSize(stream.columns), clearOnComplete: false, hideCursor: true }
  // A line above the bars moves them down: each must be drawn again, also the ones that did not change.
  const settings = { gracefulExit: false, autopadding: true, forceRedraw: true }
  return new MultiBar({ stream, ...looks, ...settings }, Presets.shades_classic)
}

// While bars are drawn the terminal wraps nothing, and a line is written over whatever stood there.
function clearedLines(text: string, columns: number): string {
  const lines = wrapText(text, columns).split('\n')
  return lines.map((line) => `${line}${CLEAR_TO_END_OF_LINE}\n`).join('')
}

const CLEAR_TO_END_OF_LINE = '\u001B[K'

const FORMAT = '{stage} {bar} {text}'

// What a long stage says of itself takes some 52 columns, its name and the gaps 11: the bar gets what is left.
function barSize(columns: number): number {
  return Math.min(40, Math.max(8, columns - 64))
}

function sum(state: Running): { done: number; total: number } {
  const totals = { done: 0, total: 0 }
  for (const { done, total } of state.progress.values()) {
    totals.done += done
    totals.total += total
  }
  return totals
}

function describe(state: Running, { done, total }: { done: number; total: number }): { text: string } {
  const seconds = (Date.now() - state.startedAt) / 1000
  const rate = done / Math.max(seconds, 0.1)
  // Shards that have not started yet have not said how much they hold: take the mean of those that have.
  const expected = state.progress.size === 0 ? total : (total / state.progress.size) * state.shards
  const left = rate > 0 ? ((expected - done) / rate) * 1000 : null
  const shards = state.shards > 1 ? `, ${state.shardsDone}/${state.shards} shards` : ''
  const time = left === null || done === 0 ? '' : `, ${formatRate(rate)}, ${formatDuration(left)} left`
  return { text: `${done}/${Math.round(expected)} ${state.unit}${shards}${time}` }
}
