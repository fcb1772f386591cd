#!/usr/bin/env node
// The TypeScript SDK's client of tasks (version 1, those of 2025-11-25) against a server that offers the
// test fixture.

import { expect, failsWith, main, pause, peerPackage, same, textOf } from './suite.mjs';

const { Client } = peerPackage('@modelcontextprotocol/sdk/client/index.js');
const { StdioClientTransport } = peerPackage('@modelcontextprotocol/sdk/client/stdio.js');
const { StreamableHTTPClientTransport } = peerPackage('@modelcontextprotocol/sdk/client/streamableHttp.js');
const schemas = peerPackage('@modelcontextprotocol/sdk/types.js');

const CAPABILITIES = { elicitation: {} };
const INVALID_PARAMS = -32602;
const METHOD_NOT_FOUND = -32601;
const TERMINAL = ['completed', 'failed', 'cancelled'];

class Peer {
    told = [];
    asked = [];

    constructor(options) {
        this.client = new Client({ name: 'ts_sdk_tasks_client', version: '1' }, { capabilities: CAPABILITIES });
        this.tasks = this.client.experimental.tasks;
        this.client.setNotificationHandler(schemas.TaskStatusNotificationSchema,
            ({ params }) => void this.told.push(params));
        this.client.setRequestHandler(schemas.ElicitRequestSchema, ({ params }) => {
            this.asked.push(params);
            const fields = Object.entries(params.requestedSchema.properties);
            const content = Object.fromEntries(fields.map(([name, { type }]) => [name, type === 'boolean' || 'Ada']));
            return { action: 'accept', content };
        });
        this.transport = options.url
            ? new StreamableHTTPClientTransport(new URL(options.url))
            : new StdioClientTransport({ command: options.command[0], args: options.command.slice(1), stderr: 'inherit' });
    }

    // All that the library says of one call, to its end.
    async run(name, args, task = { ttl: 60_000 }) {
        const said = [];
        const stream = this.tasks.callToolStream({ name, arguments: args }, schemas.CallToolResultSchema, { task });
        for await (const message of stream) said.push(message);
        return said;
    }

    // Begins a task, and leaves it to itself.
    async begin(name, args) {
        const stream = this.tasks.callToolStream({ name, arguments: args }, schemas.CallToolResultSchema, { task: {} });
        const { value } = await stream.next();
        expect(value.type === 'taskCreated', value);
        await stream.return();
        return value.task;
    }

    async ended(id) {
        for (;;) {
            const task = await this.tasks.getTask(id);
            if (TERMINAL.includes(task.status)) return task;
            await pause(20);
        }
    }

    close = () => this.client.close();
}

const declared = async peer =>
    same(peer.client.getServerCapabilities().tasks, { list: {}, cancel: {}, requests: { tools: { call: {} } } });

async function runs(peer) {
    const said = await peer.run('slow_compute', { seconds: 0.3, label: 'x' });
    const [first, last] = [said[0], said.at(-1)];
    expect(first.type === 'taskCreated' && first.task.ttl === 60_000 && first.task.pollInterval === 100, first);
    expect(last.type === 'result' && textOf(last.result) === 'x took 0.3 s', last);
    same(last.result._meta['io.modelcontextprotocol/related-task'], { taskId: first.task.taskId });
    return said.map(message => message.type);
}

async function asksWhileItRuns(peer) {
    peer.asked.length = 0;
    const said = await peer.run('confirm_delete', { filename: 'a.txt' });
    expect(textOf(said.at(-1).result) === 'Deleted a.txt', said);
    expect(peer.asked.length === 1, peer.asked);
    const { taskId } = said[0].task;
    same(peer.asked[0]._meta['io.modelcontextprotocol/related-task'], { taskId });
}

async function asksTwiceAtOnce(peer) {
    const said = await peer.run('multi_input', {});
    expect(textOf(said.at(-1).result) === 'Hello, Ada!', said);
}

async function failsWithWords(peer) {
    const task = await peer.begin('failing_job', {});
    expect((await peer.ended(task.taskId)).status === 'failed', task);
    const result = await peer.tasks.getTaskResult(task.taskId, schemas.CallToolResultSchema);
    expect(result.isError && textOf(result) === 'the job has failed', result);
}

async function failsWithAnError(peer) {
    const task = await peer.begin('protocol_error_job', {});
    expect((await peer.ended(task.taskId)).status === 'failed', task);
    const error = await failsWith([-32603], peer.tasks.getTaskResult(task.taskId, schemas.CallToolResultSchema));
    expect(error.message.includes('the job broke off'), error.message);
}

async function cancelled(peer) {
    peer.told.length = 0;
    const task = await peer.begin('slow_compute', { seconds: 3600, label: 'x' });
    expect((await peer.tasks.cancelTask(task.taskId)).status === 'cancelled', task);
    expect((await peer.tasks.getTask(task.taskId)).status === 'cancelled', task);
    await failsWith([INVALID_PARAMS], peer.tasks.cancelTask(task.taskId));
    const end = Date.now() + 10_000;
    while (!peer.told.some(told => told.taskId === task.taskId && told.status === 'cancelled')) {
        expect(Date.now() < end, peer.told);
        await pause(10);
    }
}

async function listed(peer) {
    const begun = await peer.begin('slow_compute', { seconds: 0, label: 'x' });
    const found = [];
    let cursor;
    do {
        const page = await peer.tasks.listTasks(cursor);
        found.push(...page.tasks.map(task => task.taskId));
        cursor = page.nextCursor;
    } while (cursor !== undefined);
    expect(found.includes(begun.taskId), found);
    return found.length;
}

async function whatToolsAllow(peer) {
    const { tools } = await peer.client.listTools();
    const support = name => tools.find(tool => tool.name === name).execution?.taskSupport ?? 'forbidden';
    same(['greet', 'slow_compute', 'failing_job'].map(support), ['forbidden', 'optional', 'required']);
    const plain = (await peer.client.callTool({ name: 'slow_compute', arguments: { seconds: 0, label: 'x' } }));
    expect(textOf(plain) === 'x took 0 s', plain);
    const never = await peer.run('greet', { name: 'Ada' });
    expect(never.at(-1).type === 'error' && never.at(-1).error.code === METHOD_NOT_FOUND, never);
}

async function unknown(peer) {
    await failsWith([INVALID_PARAMS], peer.tasks.getTask('0123456789abcdef0123456789abcdef'));
}

await main(async options => {
    const peer = new Peer(options);
    await peer.client.connect(peer.transport);
    return peer;
}, [declared, runs, asksWhileItRuns, asksTwiceAtOnce, failsWithWords, failsWithAnError, cancelled, listed,
    whatToolsAllow, unknown].map(check => [check.name, check]));
