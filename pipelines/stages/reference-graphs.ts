import { z } from 'zod'
import type { Judged } from '../../filters/types.ts'
import { openGraphTracer } from '../../validators/graph-tracer.ts'
import type { GraphTracer } from '../../validators/graph-tracer.ts'
import type { StageContext } from '../core/stage.ts'
import type { ReadCandidate } from './filter-candidates.ts'
import { mapInOrder } from './generation/in-order.ts'
import type { Recipe } from './recipe.ts'

type Context = StageContext<Recipe, undefined>

/** The graphs of references, traced while candidates pass. */
export interface ReferenceGraphs {
  /** The same records in the same order, each candidate with the graph of its reference. */
  addTo(records: AsyncIterable<ReadCandidate>): AsyncGenerator<ReadCandidate>
  /** Says how many references have no graph, and why. */
  report(): void
  close(): Promise<void>
}

/** Whether a recipe has references traced: where it says so, or where one of its filters compares graphs. */
export function tracesGraphs({ trace_graphs, filters }: Pick<Recipe, 'trace_graphs' | 'filters'>): boolean {
  if (trace_graphs !== null) return trace_graphs
  const { 'semantic-dedup': duplicates, decontamination } = Comparing.parse(filters)
  return duplicates?.by === 'graph' || (decontamination?.max_graph ?? null) !== null
}

const Comparing = z.object({
  'semantic-dedup': z.object({ by: z.string() }).optional(),
  decontamination: z.object({ max_graph: z.number().nullable() }).optional(),
})

/** Opens the graphs of references; where the recipe wants none, candidates pass as they are. */
export async function openReferenceGraphs(context: Context): Promise<ReferenceGraphs> {
  if (!tracesGraphs(context.recipe)) return { addTo: passOn, report: () => undefined, close: async () => undefined }
  const tracer = await openGraphTracer({ cacheFolder: context.cacheDirectory, signal: context.signal })
  const causes = new Map<string, string>()
  return {
    addTo: (records) =>
      mapInOrder(records, { active: 2 * tracer.concurrency, held: MOST_HELD }, async ({ rows, judged }) => ({
        rows,
        judged: judged === null ? null : await withGraph(judged, tracer, causes),
      })),
    report() {
      if (causes.size === 0) return
      const counts = Object.entries(Object.groupBy(causes.values(), (cause) => cause))
        .map(([cause, all]) => `${all?.length ?? 0} ${cause}`)
        .toSorted()
      context.progress.warn?.(
        `references without a graph: ${counts.join(', ')}`,
        'Their `reference_graph` is null, and no filter compares it. VALUE_DEPENDENT: what they do depends on the values of tensors.',
      )
    },
    close: () => tracer.close(),
  }
}

// Candidates that wait for the graph of one before them.
const MOST_HELD = 64

async function* passOn(records: AsyncIterable<ReadCandidate>): AsyncGenerator<ReadCandidate> {
  yield* records
}

async function withGraph(judged: Judged, tracer: GraphTracer, causes: Map<string, string>): Promise<Judged> {
  const { task, given } = judged
  if (given?.reference_graph != null) return judged
  const { graph, cause } = await tracer.trace(task.reference)
  if (cause !== null) causes.set(task.id, cause)
  return { ...judged, graph }
}
