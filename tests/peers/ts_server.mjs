#!/usr/bin/env node
// A server on the official TypeScript SDK, second line, over HTTP (--port N): one handler for both eras,
// without sessions, as that SDK serves by default.
//
// A peer for our own client, which lists and uses all of it.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(fileURLToPath(new URL('../.peers/npm-server/package.json', import.meta.url)));
const { McpServer, ResourceTemplate, acceptedContent, createMcpHandler, inputRequired } = require('@modelcontextprotocol/server');
const { toNodeHandler } = require('@modelcontextprotocol/node');
const { z } = require('zod');

const text = value => ({ content: [{ type: 'text', text: value }] });

function build() {
    const server = new McpServer(
        { name: 'ts-server', version: '1.0.0' },
        { instructions: 'A peer.', capabilities: { tools: { listChanged: true }, logging: {} } }
    );
    server.registerTool(
        'echo',
        { description: 'Returns the message', inputSchema: z.object({ message: z.string() }) },
        async ({ message }) => text(message)
    );
    server.registerTool(
        'add',
        {
            description: 'Adds',
            inputSchema: z.object({ a: z.number(), b: z.number() }),
            outputSchema: z.object({ sum: z.number() }),
        },
        async ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } })
    );
    server.registerTool('fail', { description: 'Fails' }, async () => ({ ...text('as asked'), isError: true }));
    server.registerTool('throw', { description: 'Throws' }, async () => {
        throw new Error('thrown');
    });
    server.registerTool('wait', { description: 'Waits', inputSchema: z.object({ ms: z.number() }) }, async ({ ms }) => {
        await new Promise(resolve => setTimeout(resolve, ms));
        return text('waited');
    });
    server.registerTool('report', { description: 'Reports progress' }, async context => {
        const progressToken = context.mcpReq._meta?.progressToken;
        for (const progress of [1, 2, 3]) {
            if (progressToken === undefined) break;
            await context.mcpReq.notify({
                method: 'notifications/progress',
                params: { progressToken, progress, total: 3 },
            });
        }
        return text('reported');
    });
    server.registerTool('confirm', { description: 'Asks first' }, async context => {
        const answer = acceptedContent(context.mcpReq.inputResponses, 'sure');
        if (!answer) {
            const requestedSchema = { type: 'object', properties: { ok: { type: 'boolean' } }, required: ['ok'] };
            const sure = inputRequired.elicit({ message: 'Sure?', requestedSchema });
            return inputRequired({ inputRequests: { sure } });
        }
        return text(`confirmed ${answer.ok}`);
    });
    server.registerTool('change', { description: 'Announces a change' }, async () => {
        handler.notify.toolsChanged();
        return text('changed');
    });
    server.registerResource('motto', 'data://motto', { mimeType: 'text/plain' }, async uri => ({
        contents: [{ uri: uri.href, text: 'carpe diem' }],
    }));
    server.registerResource(
        'user',
        new ResourceTemplate('users://{user}/profile', { list: undefined }),
        { mimeType: 'text/plain' },
        async (uri, { user }) => ({ contents: [{ uri: uri.href, text: `profile of ${user}` }] })
    );
    server.registerPrompt('ask', { argsSchema: z.object({ topic: z.string() }) }, async ({ topic }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `What about ${topic}?` } }],
    }));
    return server;
}

const handler = createMcpHandler(build);
const port = Number(process.argv[process.argv.indexOf('--port') + 1]);
createServer(toNodeHandler(handler)).listen(port, '127.0.0.1', () => console.error(`http://127.0.0.1:${port}/mcp`));
