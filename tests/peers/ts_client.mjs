#!/usr/bin/env node
// The TypeScript client (version 2, both eras) against a server that offers the test fixture.

import { ASK_CAPABILITIES, MODERN_VERSION, askHandlers, main, peerPackage } from './suite.mjs';

const { Client, StreamableHTTPClientTransport } = peerPackage('@modelcontextprotocol/client');
const { StdioClientTransport } = peerPackage('@modelcontextprotocol/client/stdio');

const LISTS = {
    tools: ['tools/list', 'listTools', 'tools'],
    resources: ['resources/list', 'listResources', 'resources'],
    templates: ['resources/templates/list', 'listResourceTemplates', 'resourceTemplates'],
    prompts: ['prompts/list', 'listPrompts', 'prompts'],
};
const CHANGES = [
    'notifications/tools/list_changed',
    'notifications/prompts/list_changed',
    'notifications/resources/list_changed',
    'notifications/resources/updated',
];

class Peer {
    notifications = [];
    logs = [];
    asked = [];
    notFoundCode = -32602; // of every era: the library reads the older -32002 as this

    constructor(options) {
        const capabilities = options.asks ? ASK_CAPABILITIES : {};
        let negotiation = { versionNegotiation: { mode: options.mode } };
        if (options.mode === 'modern') negotiation.versionNegotiation.mode = { pin: MODERN_VERSION };
        if (/^\d/.test(options.mode)) { // one revision of the handshake
            this.version = options.mode;
            negotiation = { supportedProtocolVersions: [options.mode] };
        }
        this.modern = ['auto', 'modern'].includes(options.mode);
        this.client = new Client({ name: 'ts_client', version: '1' }, { capabilities, ...negotiation });
        for (const method of CHANGES) {
            this.client.setNotificationHandler(method, notification => void this.notifications.push(notification));
        }
        this.client.setNotificationHandler('notifications/message', ({ params }) => void this.logs.push(params));
        for (const [method, handler] of Object.entries(options.asks ? askHandlers(this) : {})) {
            this.client.setRequestHandler(method, handler);
        }
        this.transport = options.url
            ? new StreamableHTTPClientTransport(new URL(options.url))
            : new StdioClientTransport({ command: options.command[0], args: options.command.slice(1), stderr: 'inherit' });
    }

    facts() {
        const info = this.client.getServerVersion();
        return {
            version: this.client.getNegotiatedProtocolVersion(),
            name: info?.name,
            serverVersion: info?.version,
            capabilities: this.client.getServerCapabilities(),
            instructions: this.client.getInstructions(),
        };
    }

    async page(kind, cursor) {
        const [method, , items] = LISTS[kind];
        const result = await this.client.request({ method, params: cursor === undefined ? {} : { cursor } });
        return { items: result[items], nextCursor: result.nextCursor };
    }

    async everything(kind) {
        const [, list, items] = LISTS[kind];
        return (await this.client[list]())[items];
    }

    call(name, args, { onprogress, meta, timeout, signal } = {}) {
        const params = { name, ...(args && { arguments: args }), ...(meta && { _meta: meta }) };
        return this.client.callTool(params, { onprogress, timeout, signal });
    }

    read = uri => this.client.readResource({ uri }, { cacheMode: 'bypass' });
    prompt = (name, args) => this.client.getPrompt({ name, ...(args && { arguments: args }) });
    complete = (ref, argument) => this.client.complete({ ref, argument });
    ping = () => this.client.ping();
    setLevel = level => this.client.setLoggingLevel(level);
    subscribe = uri => this.client.subscribeResource({ uri });
    unsubscribe = uri => this.client.unsubscribeResource({ uri });
    listen = filter => this.client.listen(filter);
    close = () => this.client.close();
}

await main(async options => {
    const peer = new Peer(options);
    await peer.client.connect(peer.transport);
    return peer;
});
