import { SettingsError } from '../../lib/settings-error.ts';
import type { Context } from '../context.ts';
import { type Check, Fault } from './check.ts';

/** Whether what the other checks work with could be read at all. */
export function settings(context: Context | Error): Check {
  return {
    name: 'Settings',
    async run() {
      if (context instanceof Error) throw faultOf(context);
      return context.isLocal
        ? `the local system at ${context.supabaseUrl}`
        : `complete: stage ${context.stage} in ${context.settings.AWS_DEFAULT_REGION}`;
    },
  };
}

function faultOf(error: Error): Error {
  if (!(error.cause instanceof SettingsError)) return error;
  const { problems: details, file } = error.cause;
  return new Fault(
    `${details.length} missing or wrong`,
    `Put them right in ${file} or the environment; .env.example says what each is for.`,
    { details },
  );
}
