import { type AdminClient, AdminError, adminClient } from './client.ts'
import { type CommandIo, textOption, type VerbArgs } from './verb.ts'

/** What a verb found: `data` is printed for `--json`, `text` for people, `code` is the exit code (0 unless given). */
export type Finding = { readonly data: unknown; readonly text: string; readonly code?: number }

/** Runs a verb that asks the running router: one line on standard error and exit code 1 where it does not answer. */
export async function ask(
  args: VerbArgs,
  io: CommandIo,
  find: (client: AdminClient) => Promise<Finding>,
): Promise<number> {
  const client = adminClient({ admin: textOption(args, 'admin'), config: textOption(args, 'config') }, io.env)
  try {
    const { data, text, code = 0 } = await find(client)
    io.out(args.values.json === true ? `${JSON.stringify(data, null, 2)}\n` : `${text.trimEnd()}\n`)
    return code
  } catch (error) {
    if (!(error instanceof AdminError)) throw error
    io.err(`${error.message}\n`)
    return 1
  }
}
