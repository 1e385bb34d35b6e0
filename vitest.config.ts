import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

// A third of a minute to four minutes each, and some are last in line by size: whoever begins with them ends a minute earlier.
const LONGEST = [
  'validators/validator.test.ts',
  'pipelines/cli/quickstart.test.ts',
  'validators/worker.test.ts',
  'pipelines/engines/ray-cluster.test.ts',
  'package.test.ts',
  'pipelines/run/crash.test.ts',
  'pipelines/cli/evaluate.test.ts',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const place = LONGEST.findIndex((name) => moduleId.endsWith(name))
      return place === -1 ? LONGEST.length : place
    }
    return sorted.toSorted((first, second) => rankOf(first) - rankOf(second))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Many tests start real processes; more of them at once than cores only makes each slower.
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
})
