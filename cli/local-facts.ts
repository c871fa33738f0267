import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { UsageError } from './exit-code.ts';

const FILE = '.local/system.json';

const url = z.url();
const schema = z.object({
  apiUrl: url,
  supabaseUrl: url,
  serviceKey: z.string(),
  anonKey: z.string().optional(),
  databaseUrl: url,
  endpoints: z.object({ sqs: url, ssm: url, apigateway: url, cloudwatch: url, logs: url }),
  queueUrl: url,
  dlqUrl: url,
  stage: z.string(),
  region: z.string(),
});

/** Where the parts of a running local system are; `npm run local` writes it down. */
export type LocalFacts = z.infer<typeof schema>;

/**
 * @param variables QUEUEKEEPER_LOCAL_SYSTEM names another file, of a system that was started for a test
 * @throws UsageError when no local system has written it
 */
export function readLocalFacts(variables: Record<string, string | undefined>): LocalFacts {
  const file = variables['QUEUEKEEPER_LOCAL_SYSTEM'] || FILE;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`There is no ${file}: start the local system first, in another terminal: npm run local`, {
      cause,
    });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const problems = error instanceof z.ZodError ? z.prettifyError(error) : 'it is not JSON';
    throw new UsageError(`${file} is not what npm run local writes: ${problems}`, { cause: error });
  }
}
