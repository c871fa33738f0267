import { existsSync } from 'node:fs';
import { runCdk } from './cdk.ts';

/** `npm run synth [-- OPTIONS OF CDK]`: writes the template to cdk.out. Needs no AWS account. */
const file = process.env['QUEUEKEEPER_ENV_FILE'] || '.env';
const hasSettings = existsSync(file) || Boolean(process.env['SUPABASE_URL']);
if (!hasSettings) console.error(`No ${file}: synthesizing with the sample values of .env.example.`);

process.exitCode = await runCdk(['synth', '--strict', '--quiet', ...process.argv.slice(2)], {
  ...process.env,
  QUEUEKEEPER_ENV_FILE: hasSettings ? file : '.env.example',
});
