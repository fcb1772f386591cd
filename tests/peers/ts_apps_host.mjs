#!/usr/bin/env node
// A client that shows MCP Apps, as their own package has it: whether what a server says of its app is
// accepted by the package's schemas, and is what the package's own server would have said.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { MODERN_VERSION, expect, main, same, textOf } from './suite.mjs';

const apps = createRequire(new URL('../.peers/npm-apps/package.json', import.meta.url));
const from = name => import(pathToFileURL(apps.resolve(name)));
const { Client, StreamableHTTPClientTransport } = await from('@modelcontextprotocol/client');
const { StdioClientTransport } = await from('@modelcontextprotocol/client/stdio');
const { McpServer, InMemoryTransport } = await from('@modelcontextprotocol/server');
const host = await from('@modelcontextprotocol/ext-apps/app-bridge');
const official = await from('@modelcontextprotocol/ext-apps/server');

const FACE = 'ui://clock/face.html';
const UI = { mimeTypes: [official.RESOURCE_MIME_TYPE] };

function client(options, shows = true) {
    const capabilities = shows ? { extensions: { [official.EXTENSION_ID]: UI } } : {};
    const mode = options.mode === 'modern' ? { pin: MODERN_VERSION } : options.mode;
    return new Client({ name: 'ts_apps_host', version: '1' }, { capabilities, versionNegotiation: { mode } });
}

function transport(options) {
    return options.url
        ? new StreamableHTTPClientTransport(new URL(options.url))
        : new StdioClientTransport({ command: options.command[0], args: options.command.slice(1), stderr: 'inherit' });
}

class Peer {
    constructor(options) {
        this.options = options;
        this.client = client(options);
    }

    tool = async name => (await this.client.listTools()).tools.find(tool => tool.name === name);
    close = () => this.client.close();
}

async function declared(peer) {
    const { extensions } = peer.client.getServerCapabilities();
    expect(official.EXTENSION_ID in (extensions ?? {}), extensions);
    // What this client says of itself is what the package finds.
    same(official.getUiCapability({ extensions: { [official.EXTENSION_ID]: UI } }), UI);
}

async function toolsSayHowTheyAreShown(peer) {
    for (const [name, appOnly] of [['time', false], ['look_again', true]]) {
        const tool = await peer.tool(name);
        const ui = host.McpUiToolMetaSchema.parse(tool._meta.ui);
        same(ui, tool._meta.ui);
        same(host.getToolUiResourceUri(tool), FACE);
        same(host.isToolVisibilityAppOnly(tool), appOnly);
        same(host.isToolVisibilityModelOnly(tool), false);
    }
}

async function pagesSayWhatTheyMayDo(peer) {
    const { resources } = await peer.client.listResources();
    const listed = resources.find(({ uri }) => uri === FACE);
    same(listed.mimeType, official.RESOURCE_MIME_TYPE);
    const { contents: [read] } = await peer.client.readResource({ uri: FACE });
    same(read.mimeType, official.RESOURCE_MIME_TYPE);
    expect(read.text.startsWith('<!doctype html>'), read.text);
    for (const { _meta } of [listed, read]) {
        const ui = host.McpUiResourceMetaSchema.parse(_meta.ui);
        same(ui, _meta.ui);
        same(host.buildAllowAttribute(ui.permissions), 'clipboard-write');
        same(ui.prefersBorder, true);
    }
}

async function theirsSaysTheSame(peer) {
    const server = new McpServer({ name: 'clock', version: '1.0.0' });
    official.registerAppTool(server, 'time', { _meta: { ui: { resourceUri: FACE } } }, async () => ({ content: [] }));
    official.registerAppTool(server, 'look_again', {
        _meta: { ui: { resourceUri: FACE, visibility: ['app'] } },
    }, async () => ({ content: [] }));
    const [here, there] = InMemoryTransport.createLinkedPair();
    const theirs = client({ mode: 'legacy' });
    await Promise.all([server.connect(there), theirs.connect(here)]);
    for (const { name, _meta } of (await theirs.listTools()).tools) same((await peer.tool(name))._meta, _meta);
    await theirs.close();
}

async function callsAreAnswered(peer) {
    const clock = /^\d\d:\d\d:\d\d UTC$/;
    for (const name of ['time', 'look_again']) {
        const result = await peer.client.callTool({ name });
        expect(clock.test(textOf(result)), result);
        // As the host passes it on to the page.
        host.McpUiToolResultNotificationSchema.parse({ method: 'ui/notifications/tool-result', params: result });
    }
    // Who shows no apps is told in words.
    const plain = client(peer.options, false);
    await plain.connect(transport(peer.options));
    const told = textOf(await plain.callTool({ name: 'time' }));
    await plain.close();
    expect(told.startsWith('It is '), told);
}

await main(async options => {
    const peer = new Peer(options);
    await peer.client.connect(transport(options));
    return peer;
}, [declared, toolsSayHowTheyAreShown, pagesSayWhatTheyMayDo, theirsSaysTheSame, callsAreAnswered]
    .map(check => [check.name, check]));
