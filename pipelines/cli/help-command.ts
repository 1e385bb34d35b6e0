import type { Command } from 'commander'
import { nearestName } from '../config/nearest-name.ts'
import { usageError } from '../core/errors.ts'
import type { CurateError } from '../core/errors.ts'

/** `curate help`; Commander's own shows the flags of everything for a command that there is none of. */
export function addHelp(program: Command): void {
  program
    .command('help')
    .description('show the flags of a command')
    .argument('[command]')
    .action((name?: string) => {
      if (name === undefined) program.help()
      const command = program.commands.find((known) => known.name() === name)
      if (command === undefined) throw unknownCommand(name, program)
      command.help()
    })
}

/** The error for a word that is no command, with the nearest one. */
export function unknownCommand(word: string, program: Command): CurateError {
  const names = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => command.name())
  const nearest = nearestName(word, names)
  const guess = nearest === null ? '' : ` Did you mean \`${nearest}\`?`
  return usageError(`there is no command ${word}`, `Commands are: ${names.join(', ')}.${guess}`)
}
