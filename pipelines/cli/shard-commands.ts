import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { engineOption, collect, jsonOption, setOption, wholeNumber, workDirOption } from './options.ts'
import type { RunCommand } from './program.ts'

/** `curate plan`: what other schedulers start from. */
export function addPlan(program: Command, runCommand: RunCommand): void {
  program
    .command('plan')
    .description('write the plan of one stage, for `curate shard` on other machines, and print its shards')
    .requiredOption('--recipe <file>', 'recipe to plan: a YAML file, or the name of a bundled one')
    .requiredOption('--stage <stage>', 'stage to plan; those before it must be done')
    .addOption(setOption())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { planShards } = await import('./commands/plan.ts')
      await runCommand(({ reporter, signal }) => planShards(options, reporter, signal), options.json)
    })
}

/** `curate shard`: the unit of every engine. */
export function addShard(program: Command, runCommand: RunCommand): void {
  program
    .command('shard')
    .description('run shards of a plan on this machine: the first try to finish one counts, a second is harmless')
    .requiredOption(
      '--plan <file>',
      'plan that `curate plan`, or a run, wrote; also s3://BUCKET/PREFIX/RUN/plans/STAGE.json',
    )
    .option('--shard <name>', 'shard to run (repeatable)', collect, [])
    .option(
      '--index <number>',
      'run the shard at this position of the plan, from 0',
      wholeNumber('--index', 0, 'The first shard is 0.'),
    )
    .option(
      '--scratch <folder>',
      'where a plan in an object store is worked on',
      join(homedir(), '.cache', 'curate', 'scratch'),
    )
    .option('--ahead <architecture>', 'only compile, for GPUs such as sm_90, into the cache of the work directory')
    .option('--serve', 'read names of shards from standard input, one a line, and stay warm between them', false)
    .addOption(engineOption().default('local').hideHelp())
    .addOption(jsonOption())
    .action(async (options) => {
      const { runPlannedShards } = await import('./commands/shard.ts')
      await runCommand(({ reporter, signal }) => runPlannedShards(options, reporter, signal), options.json)
    })
}

/** `curate node-facts`, which nobody types. */
export function addNodeFacts(program: Command, runCommand: RunCommand): void {
  program
    .command('node-facts <folder>', { hidden: true })
    .description('say what this node of a cluster is')
    .action(async (folder: string) => {
      const { tellNodeFacts } = await import('./commands/node-facts.ts')
      await runCommand(({ reporter }) => tellNodeFacts(folder, reporter), true)
    })
}
