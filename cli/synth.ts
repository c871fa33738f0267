import { existsSync } from 'node:fs';
import { runCdk } from './cdk.ts';

/** `npm run synth [-- OPTIONS OF CDK]`: writes the template to cdk.out. Needs no AWS account. */
const hasSettings = Boolean(process.env['QUEUEKEEPER_ENV_FILE'] || process.env['SUPABASE_URL']) || existsSync('.env');
if (!hasSettings) console.error('No .env: synthesizing with the sample values of .env.example.');

process.exitCode = await runCdk(['synth', '--strict', '--quiet', ...process.argv.slice(2)], {
  ...process.env,
  ...(hasSettings ? {} : { QUEUEKEEPER_ENV_FILE: '.env.example' }),
});
