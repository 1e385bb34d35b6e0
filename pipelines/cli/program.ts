import { Command, Option } from 'commander'
import { usageError } from '../core/errors.ts'
import { packageVersion } from '../core/package-root.ts'
import { STAGE_NAMES } from '../core/stage.ts'
import { addHelp, unknownCommand } from './help-command.ts'
import { collect, engineOption, engineSetOption, jsonOption, setOption, wholeNumber, workDirOption } from './options.ts'
import type { Reporter } from './reporter/reporter.ts'
import { addNodeFacts, addPlan, addShard } from './shard-commands.ts'

/** What a command is given besides its own flags. */
export interface CommandContext {
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

/** Runs a command and gives its exit code. */
export type RunCommand = (execute: (context: CommandContext) => Promise<number>, json: boolean) => Promise<void>

/** The command line: every flag and command declared once, with help from the same text. */
export function buildProgram(runCommand: RunCommand): Command {
  const program = new Command('curate')
    .description('Turns open-source GPU kernels and model outputs into datasets for training language models.')
    .version(packageVersion)
    .showHelpAfterError('Run `curate --help` for all flags and commands.')
    .showSuggestionAfterError(true)
    .enablePositionalOptions()
    .helpCommand(false)
    .exitOverride()
    .hook('preSubcommand', handOver)
  addRun(program, runCommand)
  addQuickstart(program, runCommand)
  addReading(program, runCommand)
  addScan(program, runCommand)
  addEvaluate(program, runCommand)
  addConvert(program, runCommand)
  addDoctor(program, runCommand)
  addSchedule(program, runCommand)
  addBenchmarks(program, runCommand)
  addPlan(program, runCommand)
  addShard(program, runCommand)
  addNodeFacts(program, runCommand)
  addHelp(program)
  for (const command of program.commands) {
    command.showHelpAfterError(`Run \`curate ${command.name()} --help\` for its flags.`)
  }
  return program
}

// A flag in front of a command is meant for it; one that it does not know would otherwise be passed over in silence.
function handOver(program: Command, command: Command): void {
  const known = new Set(command.options.map((option) => option.attributeName()))
  for (const option of program.options) {
    const name = option.attributeName()
    if (program.getOptionValueSource(name) !== 'cli') continue
    if (!known.has(name)) {
      throw usageError(
        `${option.long ?? option.flags} is not for \`curate ${command.name()}\``,
        `Leave it out; \`curate ${command.name()} --help\` shows its flags.`,
      )
    }
    command.setOptionValueWithSource(name, program.getOptionValue(name), 'cli')
  }
}

function addRun(program: Command, runCommand: RunCommand): void {
  program
    .option('--recipe <file>', 'recipe to run: a YAML file, or the name of a bundled one')
    .option('--stage <stage>', `run one stage: ${STAGE_NAMES.join(', ')}`)
    .option(
      '--input <file>',
      'candidates that another program validated, as Parquet or JSON lines: selection starts from them',
    )
    .option('--from <stage>', 'first stage to run')
    .option('--to <stage>', 'last stage to run')
    .addOption(setOption())
    .addOption(
      new Option('--force <stage>', 'run a stage again although it is done (repeatable)')
        .default([], 'none')
        .argParser(collect),
    )
    .option('--update', 'move unpinned sources to their newest commit', false)
    .option('--dry-run', 'print the plan and why each shard would run', false)
    .addOption(engineOption())
    .addOption(engineSetOption())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .allowExcessArguments(true)
    .action(async (options, command: Command) => {
      const [word] = command.args
      if (word !== undefined) throw unknownCommand(word, program)
      if (options.recipe === undefined) {
        throw usageError(
          'no recipe and no command is given',
          'Try `curate quickstart`, or `curate --recipe FILE`; `curate --help` shows all.',
        )
      }
      const { runRecipe } = await import('./commands/run.ts')
      await runCommand(({ reporter, signal }) => runRecipe(options, reporter, signal), options.json)
    })
}

function addQuickstart(program: Command, runCommand: RunCommand): void {
  program
    .command('quickstart')
    .description('prepare the Python worker and run every stage on the bundled example')
    .addOption(setOption())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { quickstart } = await import('./commands/quickstart.ts')
      await runCommand(({ reporter, signal }) => quickstart(options, reporter, signal), options.json)
    })
}

function addReading(program: Command, runCommand: RunCommand): void {
  const run = (): Option => new Option('--run <name>', 'one run of the work directory; all of them by default')
  program
    .command('status')
    .description('show how far runs are, read from the disk alone')
    .addOption(run())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { showStatus } = await import('./commands/status.ts')
      await runCommand(({ reporter }) => showStatus(options, reporter), options.json)
    })
  program
    .command('inspect <id>')
    .description('show one record’s way through all stages: code, reference, reasoning, verdicts')
    .addOption(run())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (id, options) => {
      const { inspectRecord } = await import('./commands/inspect.ts')
      await runCommand(({ reporter }) => inspectRecord(id, options, reporter), options.json)
    })
  program
    .command('report')
    .description('write one HTML file with funnel, speedups, reasons and a browser of rows')
    .addOption(run())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { writeReports } = await import('./commands/report.ts')
      await runCommand(({ reporter }) => writeReports(options, reporter), options.json)
    })
  program
    .command('list')
    .description('list every plug-in with its options, and the bundled recipes')
    .addOption(jsonOption())
    .action(async (options) => {
      const { listPlugins } = await import('./commands/list.ts')
      await runCommand(({ reporter }) => listPlugins(reporter), options.json)
    })
}

function addScan(program: Command, runCommand: RunCommand): void {
  program
    .command('scan')
    .description('list the kernels of one repository or folder, and their references, outside of any run')
    .argument('<address>', 'a folder, or the address of a git repository')
    .option('--at <commit>', 'full commit id, branch or tag; the default branch without')
    .addOption(jsonOption())
    .action(async (address, options) => {
      const { scan } = await import('./commands/scan.ts')
      await runCommand(({ reporter, signal }) => scan(address, options, reporter, signal), options.json)
    })
}

function addEvaluate(program: Command, runCommand: RunCommand): void {
  program
    .command('evaluate')
    .description('judge a candidate against a reference, without a recipe: exit 0 accepted, 1 refused, 2 not judged')
    .option('--reference <file>', 'PyTorch reference: Model, get_inputs, get_init_inputs (KernelBench form)')
    .option('--candidate <file>', 'implementation: ModelNew, a .cpp or .cu file with extern "C" run, or a launch plan')
    .option('--reference-dir <folder>', 'folder of references, for --candidates')
    .option('--candidates <file>', 'JSON lines with `task` (a file of the folder), `code` and, if wanted, `id`')
    .addOption(
      new Option(
        '--mode <mode>',
        'screen: correctness only; standard: also timing; certify: also more inputs, other sizes, all mutants, the sanitizer and a second GPU',
      )
        .choices(['screen', 'standard', 'certify'])
        .default('standard'),
    )
    .addOption(
      new Option('--seed <number>', 'seed of the inputs; a random one by default').argParser(
        wholeNumber('--seed', 0, 'Leave it out for a random one.'),
      ),
    )
    .addOption(
      new Option('--workers <number>', 'judges at a time; as many as fit by default').argParser(
        wholeNumber('--workers', 1, 'Leave it out for as many as fit.'),
      ),
    )
    .addOption(jsonOption())
    .action(async (options) => {
      const { evaluate } = await import('./commands/evaluate.ts')
      await runCommand(({ reporter, signal }) => evaluate(options, reporter, signal), options.json)
    })
}

function addConvert(program: Command, runCommand: RunCommand): void {
  program
    .command('convert')
    .description(
      'turn a module over one CUDA extension into kernels with a launch plan, and judge both: exit 0 they agree, 1 refused, 2 not proved',
    )
    .requiredOption('--reference <file>', 'PyTorch reference: Model, get_inputs, get_init_inputs (KernelBench form)')
    .requiredOption('--candidate <file>', 'implementation: ModelNew that builds one extension with load_inline')
    .requiredOption('--out <folder>', 'where plan.json and kernels.cu are written')
    .addOption(
      new Option('--mode <mode>', 'how both are judged').choices(['screen', 'standard', 'certify']).default('screen'),
    )
    .addOption(
      new Option('--seed <number>', 'seed of the inputs; a random one by default').argParser(
        wholeNumber('--seed', 0, 'Leave it out for a random one.'),
      ),
    )
    .addOption(jsonOption())
    .action(async (options) => {
      const { convert } = await import('./commands/convert.ts')
      await runCommand(({ reporter, signal }) => convert(options, reporter, signal), options.json)
    })
}

function addDoctor(program: Command, runCommand: RunCommand): void {
  program
    .command('doctor')
    .description('say what is present on this machine and how to get the rest')
    .option('--prepare', 'make the Python environment of the worker', false)
    .option('--developer', 'make it with what tests and linters need', false)
    .addOption(engineOption('look at the machines of this engine'))
    .addOption(engineSetOption())
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (options) => {
      const { examineMachine } = await import('./commands/doctor.ts')
      await runCommand(({ reporter, signal }) => examineMachine(options, reporter, signal), options.json)
    })
}

function addBenchmarks(program: Command, runCommand: RunCommand): void {
  program
    .command('benchmarks')
    .description('list the benchmarks that rows are compared with for decontamination')
    .option('--update', 'build their index anew from their own files, at the commits that are pinned', false)
    .option('--only <benchmark>', 'with --update: leave the others as they are')
    .addOption(jsonOption())
    .action(async (options) => {
      const { showBenchmarks } = await import('./commands/benchmarks.ts')
      await runCommand(({ reporter, signal }) => showBenchmarks(options, reporter, signal), options.json)
    })
}

function addSchedule(program: Command, runCommand: RunCommand): void {
  program
    .command('schedule')
    .description('print what makes a recipe run at fixed times, or run it at them')
    .requiredOption('--recipe <file>', 'recipe to run')
    .option('--cron <fields>', 'when: minute hour day month weekday', '0 3 * * *')
    .option('--as <form>', 'form to print: cron or github', 'cron')
    .option('--run', 'print nothing and run here, in this process, at those times until interrupted', false)
    .option('--now', 'with --run: the first time at once', false)
    .addOption(
      new Option('--times <number>', 'with --run: end after so many runs').argParser(
        wholeNumber('--times', 1, 'Leave it out to run until interrupted.'),
      ),
    )
    .addOption(workDirOption())
    .addOption(jsonOption())
    .action(async (options) => {
      await runCommand(async ({ reporter, signal }) => {
        if (options.run) return (await import('./commands/run-schedule.ts')).runSchedule(options, reporter, signal)
        return (await import('./commands/schedule.ts')).printSchedule(options, reporter)
      }, options.json)
    })
}
