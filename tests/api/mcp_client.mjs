// The official client of the npm package @modelcontextprotocol/sdk against our server: URL KEY; says what it saw as one JSON object.
// Run by test_mcp_npm.py, out of the folder in which the package is installed.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const [url, key] = process.argv.slice(2);

async function connected(headers = {}) {
  const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${key}`, ...headers } } });
  const client = new Client({ name: 'stock', version: '1.0.0' });
  await client.connect(transport);
  return { client, transport };
}

async function failure(f) {
  try {
    await f();
    return null;
  } catch (e) {
    return { code: e.code, message: String(e.message) };
  }
}

const { client, transport } = await connected();
const saw = { server: client.getServerVersion(), capabilities: client.getServerCapabilities(), protocol: transport.protocolVersion, instructions: client.getInstructions() };
await client.ping();
saw.tools = (await client.listTools()).tools.map((t) => t.name);
const call = (name, args) => client.callTool({ name, arguments: args });
const data = async (name, args) => {
  const r = await call(name, args);
  if (r.isError) throw new Error(JSON.stringify(r));
  return r.structuredContent.data;
};
await data('flows_put_draft', { flowLiteral: process.env.FLOW });
saw.released = (await data('flows_release', { flowSlug: 'greeter' })).version;
const started = await data('greeter__hello', { who: 'Ann' });
let run;
do {
  run = (await data('runs_get', { workflowId: started.workflowId, includeResult: true })).run;
} while (!['completed', 'failed', 'cancelled'].includes(run.status));
saw.run = { status: run.status, result: run.result };
saw.error = await call('flows_get', { flowSlug: 'none' });
saw.unknown = await failure(() => call('nope', {}));
const many = await Promise.all(Array.from({ length: 50 }, (_, i) => data('greeter__hello', { who: `n${i}` })));
saw.distinct = new Set(many.map((m) => m.workflowId)).size;
await client.close();

const narrow = await connected({ 'X-MCP-Readonly': 'true', 'X-MCP-Toolsets': 'read' });
saw.readonly = (await narrow.client.listTools()).tools.map((t) => t.name);
saw.refused = await failure(() => narrow.client.callTool({ name: 'flows_release', arguments: { flowSlug: 'greeter' } }));
await narrow.client.close();
saw.badKey = await failure(() => connected({ Authorization: 'Bearer bsa_sak-x_y' }));
console.log(JSON.stringify(saw));
