"""The words that Chat Completions and its compatible providers put into options, list by list.

Each list is closed: what a caller writes beside it is text and gets looked at like any other, so a
word that is missing here still passes as it is, unless it identifies somebody.
"""

from typing import Final


def words(text: str) -> frozenset[str]:
    """Return the words of a list that is written as prose."""
    return frozenset(text.split())


ROLES: Final = words("system developer user assistant tool function")
MEDIA_PARTS: Final = words(
    """image_url input_image image input_audio audio audio_url video_url input_video video file
    input_file document document_url"""
)
READABLE_PARTS: Final = words("text refusal thinking input_text output_text")
PART_TYPES: Final = MEDIA_PARTS | READABLE_PARTS | words("content")
ON_OFF: Final = words("auto none any required enabled disabled adaptive on off default explicit")
EFFORTS: Final = words("none minimal low medium high xhigh max default auto")
TIERS: Final = words(
    "auto default flex scale priority standard standard_only on_demand performance"
)
TOOL_TYPES: Final = words(
    """function custom web_search web_search_preview web_search_20250305 file_search
    code_interpreter code_execution computer_use_preview computer image_generation mcp
    local_shell shell apply_patch
    browser_search url_context google_search retrieval tool_search openrouter:web_search
    openrouter:datetime"""
)
TOOL_CHOICES: Final = words("none auto required any function custom allowed_tools")
RESPONSE_FORMATS: Final = words("text json_object json_schema grammar regex")
GRAMMAR_FORMATS: Final = words("text grammar")
GRAMMARS: Final = words("lark regex")
DETAILS: Final = words("auto low high original")
MODALITIES: Final = words("text audio image")
VOICES: Final = words("alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse")
AUDIO_FORMATS: Final = words("wav mp3 flac opus pcm16 pcm aac ogg m4a aiff webm")
CACHING: Final = words("ephemeral persistent explicit auto implicit")
TIMES: Final = words("5m 10m 15m 30m 1h 2h 6h 12h 24h 1d in-memory in_memory")
SUMMARIES: Final = words("auto concise detailed none")
REASONING_FORMATS: Final = words("hidden raw parsed none auto")
REASONING_TYPES: Final = words("reasoning.text reasoning.summary reasoning.encrypted")
REASONING_SOURCES: Final = words(
    """unknown openai-responses-v1 azure-openai-responses-v1 xai-responses-v1 anthropic-claude-v1
    google-gemini-v1"""
)
CHANNELS: Final = words("analysis commentary final")
PREDICTIONS: Final = words("content")
ANNOTATIONS: Final = words("url_citation file_citation file_path")
LOCATIONS: Final = words("approximate")
SORTS: Final = words("price throughput latency")
DATA_COLLECTION: Final = words("allow deny")
TRANSFORMS: Final = words("middle-out")

# The keywords of JSON Schema (draft 2020-12, and those of older drafts that providers accept).
SCHEMA_NUMBERS: Final = words(
    """minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength minItems
    maxItems minProperties maxProperties minContains maxContains"""
)
SCHEMA_KEYWORDS: Final = SCHEMA_NUMBERS | words(
    """$schema $id $ref $defs $comment $anchor definitions type format title description default
    examples example enum const properties required items prefixItems additionalProperties
    patternProperties propertyNames anyOf oneOf allOf not if then else pattern uniqueItems nullable
    strict contentEncoding contentMediaType dependentRequired dependentSchemas contains
    discriminator mapping propertyName"""
)
# Those whose values are data of the property that they stand in.
SCHEMA_DATA: Final = words("default enum const examples example")
SCHEMA_TYPES: Final = words("string number integer boolean object array null")
SCHEMA_FORMATS: Final = words(
    """date date-time time duration email idn-email hostname idn-hostname ipv4 ipv6 uri
    uri-reference iri iri-reference uuid regex json-pointer binary byte password int32 int64 float
    double"""
)
