import { createServer } from 'node:http';
import { expect, it } from '@jest/globals';
import { close, freePort, listen } from '../../local/loopback.ts';

it('gives a free port that no outgoing connection is given before a program listens on it', async () => {
  const ports = await Promise.all(Array.from({ length: 50 }, freePort));
  for (const port of ports) expect(port).toBeLessThan(32_768);
  const server = createServer();
  expect(await listen(server, ports[0] ?? 0)).toBe(ports[0]);
  await close(server);
});
