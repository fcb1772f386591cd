"""What the two Python clients share: FastMCP's stands on the official SDK's session and types."""

import contextlib
import functools
import warnings

import mcp_types as types
from mcp import MCPDeprecationWarning, MCPError
from mcp.client.subscriptions import PromptsListChanged, ResourceUpdated, ToolsListChanged, listen
from pydantic import BaseModel

import suite

warnings.simplefilter("ignore", MCPDeprecationWarning)


def plain(value):
    """A model as the JSON it is on the wire."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_none=True, mode="json")
    return value


def reference(ref):
    if ref["type"] == "ref/prompt":
        return types.PromptReference(type="ref/prompt", name=ref["name"])
    return types.ResourceTemplateReference(type="ref/resource", uri=ref["uri"])


def rpc_errors(method):
    @functools.wraps(method)
    async def wrapped(*arguments, **named):
        try:
            return await method(*arguments, **named)
        except MCPError as error:
            raise suite.RpcError(error.code, error.message, error.data) from error

    return wrapped


def event_facts(event):
    match event:
        case ToolsListChanged():
            return "tools", None
        case PromptsListChanged():
            return "prompts", None
        case ResourceUpdated(uri=uri):
            return "resource", uri
    return repr(event), None


class SdkPeer(suite.Peer):
    LISTS = {
        "tools": ("list_tools", "tools"),
        "resources": ("list_resources", "resources"),
        "templates": ("list_resource_templates", "resource_templates"),
        "prompts": ("list_prompts", "prompts"),
    }

    def __init__(self, mode):
        self.modern, self.pinned = mode != "legacy", mode == "modern"
        self.client = None
        self.notifications, self.logs, self.asked = [], [], []

    async def facts(self):
        info = self.client.server_info
        return {
            "version": self.client.protocol_version,
            "name": info and info.name,
            "server_version": info and info.version,
            "capabilities": plain(self.client.server_capabilities),
            "instructions": self.client.instructions,
        }

    async def subscribe(self, uri):
        await self.client.session.subscribe_resource(uri)

    async def unsubscribe(self, uri):
        await self.client.session.unsubscribe_resource(uri)

    @contextlib.asynccontextmanager
    async def listen(self, tools=False, prompts=False, resources=()):
        async with listen(
            self.client.session,
            tools_list_changed=tools,
            prompts_list_changed=prompts,
            resource_subscriptions=resources,
        ) as subscription:

            async def next_event():
                return event_facts(await anext(subscription))

            yield next_event

    async def on_log(self, params):
        self.logs.append(plain(params))

    async def on_message(self, message):
        method = getattr(message, "method", None)
        if method not in (None, "notifications/message", "notifications/progress"):
            self.notifications.append((method, plain(message).get("params")))
