import { writeFileAtomic } from '../core/atomic-file.ts'
import { packageRoot } from '../core/package-root.ts'
import { join } from 'node:path'
import { generatedFiles } from './generated-files.ts'

// Writes every committed file that is derived from declarations; a test fails while one is out of date.
for (const [path, content] of await generatedFiles()) await writeFileAtomic(join(packageRoot, path), content)
