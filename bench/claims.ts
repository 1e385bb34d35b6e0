// Precision and recall of the claims that the filter `grounded` finds, on labelled traces of our own: node bench/claims.ts
import { figuresOf, labelledTraces } from '../test/filters/trace/labelled-claims.ts'

for (const set of ['tuned', 'held-out', 'unseen'] as const) {
  const figures = figuresOf(labelledTraces(set))
  const { traces, labelled, labelledFalse, found, invented, missed, accusedWrongly, accusedRightly, believedWrongly } =
    figures
  const accused = accusedRightly + accusedWrongly.length
  console.log(`${set}: ${traces} traces, ${labelled} claims, ${labelledFalse} of them false`)
  console.log(`  found            precision ${share(found, found + invented.length)}  recall ${share(found, labelled)}`)
  console.log(
    `  held to be false precision ${share(accusedRightly, accused)}  recall ${share(accusedRightly, labelledFalse)}`,
  )
  console.log(`  held to be true though false ${believedWrongly.length}`)
  if (process.argv.includes('--errors'))
    console.log(JSON.stringify({ invented, missed, accusedWrongly, believedWrongly }, null, 1))
}

function share(part: number, whole: number): string {
  return whole === 0 ? '-' : `${(part / whole).toFixed(3)} (${part}/${whole})`
}
