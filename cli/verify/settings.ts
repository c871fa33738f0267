import type { Context } from '../context.ts';
import { type Check, Fault } from './check.ts';

/** Whether what the other checks work with could be read at all. */
export function settings(context: Context | Error): Check {
  return {
    name: 'Settings',
    async run() {
      if (context instanceof Error) {
        throw new Fault(oneLine(context.message), 'Put them in .env; .env.example says what each is for.', {
          cause: context,
        });
      }
      try {
        context.secrets();
      } catch (error) {
        throw new Fault(oneLine((error as Error).message), 'Put them in .env; .env.example says what each is for.');
      }
      return context.isLocal
        ? `the local system at ${context.supabaseUrl}`
        : `complete: stage ${context.stage} in ${context.settings.AWS_DEFAULT_REGION}`;
    },
  };
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, '; ').replace(':; ', ': ');
}
