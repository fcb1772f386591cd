#!/usr/bin/env node
// The TypeScript SDK's client (version 1, legacy only) against a server that offers the test fixture.

import { ASK_CAPABILITIES, askHandlers, main, peerPackage } from './suite.mjs';

const { Client } = peerPackage('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = peerPackage('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = peerPackage('@modelcontextprotocol/sdk/client/streamableHttp.js');
const schemas = peerPackage('@modelcontextprotocol/sdk/types.js');

const LISTS = {
    tools: ['listTools', 'tools'],
    resources: ['listResources', 'resources'],
    templates: ['listResourceTemplates', 'resourceTemplates'],
    prompts: ['listPrompts', 'prompts'],
};
const CHANGES = [
    schemas.ToolListChangedNotificationSchema,
    schemas.PromptListChangedNotificationSchema,
    schemas.ResourceListChangedNotificationSchema,
    schemas.ResourceUpdatedNotificationSchema,
];
const ASKED = {
    'elicitation/create': schemas.ElicitRequestSchema,
    'sampling/createMessage': schemas.CreateMessageRequestSchema,
    'roots/list': schemas.ListRootsRequestSchema,
};

class Peer {
    modern = false;
    notifications = [];
    logs = [];
    asked = [];

    constructor(options) {
        this.client = new Client(
            { name: 'ts_sdk_client', version: '1' },
            { capabilities: options.asks ? ASK_CAPABILITIES : {} },
        );
        for (const schema of CHANGES) {
            this.client.setNotificationHandler(schema, notification => void this.notifications.push(notification));
        }
        this.client.setNotificationHandler(schemas.LoggingMessageNotificationSchema,
            ({ params }) => void this.logs.push(params));
        for (const [method, handler] of Object.entries(options.asks ? askHandlers(this) : {})) {
            this.client.setRequestHandler(ASKED[method], handler);
        }
        this.transport = options.url
            ? new StreamableHTTPClientTransport(new URL(options.url))
            : new StdioClientTransport({ command: options.command[0], args: options.command.slice(1), stderr: 'inherit' });
        const known = this.transport.setProtocolVersion?.bind(this.transport);
        this.transport.setProtocolVersion = version => {
            this.version = version; // the client tells its transport alone what was negotiated
            known?.(version);
        };
    }

    facts() {
        const info = this.client.getServerVersion();
        return {
            version: this.version,
            name: info?.name,
            serverVersion: info?.version,
            capabilities: this.client.getServerCapabilities(),
            instructions: this.client.getInstructions(),
        };
    }

    async page(kind, cursor) {
        const [list, items] = LISTS[kind];
        const result = await this.client[list](cursor === undefined ? undefined : { cursor });
        return { items: result[items], nextCursor: result.nextCursor };
    }

    async everything(kind) { // this client has no walk of its own
        const found = [];
        let page = {};
        do {
            page = await this.page(kind, page.nextCursor);
            found.push(...page.items);
        } while (page.nextCursor !== undefined);
        return found;
    }

    call(name, args, { onprogress, meta, timeout, signal } = {}) {
        const params = { name, ...(args && { arguments: args }), ...(meta && { _meta: meta }) };
        return this.client.callTool(params, undefined, { onprogress, timeout, signal });
    }

    read = uri => this.client.readResource({ uri });
    prompt = (name, args) => this.client.getPrompt({ name, ...(args && { arguments: args }) });
    complete = (ref, argument) => this.client.complete({ ref, argument });
    ping = () => this.client.ping();
    setLevel = level => this.client.setLoggingLevel(level);
    subscribe = uri => this.client.subscribeResource({ uri });
    unsubscribe = uri => this.client.unsubscribeResource({ uri });
    close = () => this.client.close();
}

await main(async options => {
    const peer = new Peer(options);
    await peer.client.connect(peer.transport);
    return peer;
});
