import { storeSecrets } from '../store-secrets.ts';
import { type Check, Fault } from './check.ts';

export const secrets: Check = {
  name: 'Secrets',
  needs: ['Settings', 'AWS'],
  follows: ['Database'],
  async run({ context }) {
    const changed = await storeSecrets(context.settings, context.secrets(), {
      client: context.clients.ssm,
      isDryRun: true,
    });
    if (changed.length === 0) return 'SSM holds those that the functions are to use';
    throw new Fault(
      `SSM does not hold what is set here: ${changed.join(', ')}`,
      'npx queuekeeper secrets push; the functions use it within 5 minutes.',
    );
  },
};
