#!/usr/bin/env node
// A server on the official TypeScript SDK, as its README has it, over stdio or HTTP (a session a client).

import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const peers = fileURLToPath(new URL('../../../.peers/npm/package.json', import.meta.url));
const require = createRequire(peers);
const { McpServer } = require('@modelcontextprotocol/sdk/server/mcp.js');
const { StdioServerTransport } = require('@modelcontextprotocol/sdk/server/stdio.js');
const { StreamableHTTPServerTransport } = require('@modelcontextprotocol/sdk/server/streamableHttp.js');
const { isInitializeRequest } = require('@modelcontextprotocol/sdk/types.js');
const express = require('express');
const { z } = require('zod');

function server() {
    const made = new McpServer({ name: 'peer', version: '1.0.0' });
    const text = value => ({ content: [{ type: 'text', text: value }] });
    made.registerTool(
        'echo',
        { description: 'Returns the message.', inputSchema: { message: z.string() } },
        async ({ message }) => text(message)
    );
    made.registerTool(
        'add',
        { description: 'Adds two numbers.', inputSchema: { a: z.number(), b: z.number() } },
        async ({ a, b }) => text(String(a + b))
    );
    return made;
}

function serveHttp(port) {
    const app = express();
    const sessions = {};
    app.use(express.json({ limit: '8mb' }));
    app.post('/mcp', async (request, response) => {
        let transport = sessions[request.headers['mcp-session-id']];
        if (!transport && isInitializeRequest(request.body)) {
            transport = new StreamableHTTPServerTransport({
                sessionIdGenerator: () => randomUUID(),
                onsessioninitialized: id => void (sessions[id] = transport),
            });
            await server().connect(transport);
        }
        if (!transport) return response.status(400).end();
        await transport.handleRequest(request, response, request.body);
    });
    app.listen(port, '127.0.0.1');
}

if (process.argv[2] === 'stdio') await server().connect(new StdioServerTransport());
else serveHttp(Number(process.argv[4]));
