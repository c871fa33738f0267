// Loaded before the first TypeScript file, which an older Node cannot even read. Plain JavaScript for that reason.
const WANTED = 24;
const found = process.versions.node;

if (Number(found.split('.')[0]) < WANTED) {
  console.error(
    `Queuekeeper needs Node ${WANTED} or newer, this is ${found}. On linux-x64 \`npm ci\` brings it along; elsewhere see .nvmrc.`,
  );
  process.exit(1);
}
