"""Hypothesis strategies for every response and response code of the IMAP engine."""

from __future__ import annotations

from hypothesis import strategies as st
from tests.support import imap_values as values

from mailkeep.imap import response_codes, responses
from mailkeep.imap.commands import fetch
from mailkeep.imap.commands.mailbox import StatusItem
from mailkeep.imap.encoder import string
from mailkeep.imap.thread_data import ThreadData
from mailkeep.imap.threads import ThreadEntries

plain_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20).filter(
    lambda text: not text.startswith("[")
)
capabilities = st.lists(values.words, min_size=1, max_size=4).map(tuple)
ascending = st.sets(st.integers(1, 300), min_size=1, max_size=15).map(lambda uids: tuple(sorted(uids)))
# A set in a response code pairs by position: runs are joined, an order that falls stays as it is.
in_order = st.lists(st.integers(1, 300), min_size=1, max_size=15, unique=True).map(tuple)
code_words = st.sampled_from(["ALERT", "READ-ONLY", "TRYCREATE", "UNAVAILABLE", "NOMODSEQ"])
codes = st.one_of(
    st.builds(response_codes.WordCode, code_words),
    st.builds(
        response_codes.NumberCode,
        st.sampled_from(["UIDNEXT", "UIDVALIDITY", "UNSEEN", "HIGHESTMODSEQ"]),
        values.numbers64,
    ),
    st.builds(response_codes.AppendUid, values.nz_numbers, in_order),
    st.builds(response_codes.CopyUid, values.nz_numbers, in_order, in_order),
    st.builds(response_codes.Modified, values.uid_sets),
    st.builds(response_codes.PermanentFlags, values.flag_lists),
    st.builds(response_codes.CapabilityCode, capabilities),
    st.builds(
        response_codes.InProgress,
        values.tags,
        values.optional(values.numbers64),
        values.optional(values.numbers64),
    ),
    st.builds(response_codes.BadCharsetCode, st.lists(values.words, min_size=1, max_size=3).map(tuple)),
    st.builds(
        response_codes.OtherCode, st.just("MAILBOXID"), st.just(b"(F2212ea87-6097-4256-9d51-71338625)")
    ),
)
delimiters = st.sampled_from([None, "/", ".", "\\", '"'])
namespaces = st.lists(
    st.builds(responses.NamespaceEntry, values.names.filter(lambda name: name != "INBOX"), delimiters),
    max_size=2,
).map(tuple)
status_values = st.one_of(
    st.tuples(
        st.sampled_from(StatusItem).filter(lambda item: item is not StatusItem.MAILBOXID), values.numbers64
    ),
    st.tuples(st.just(StatusItem.MAILBOXID), st.text("abcF019-_", min_size=1, max_size=20)),
    st.tuples(st.just(StatusItem.APPENDLIMIT), st.none()),
)
letters = st.text("lrswipkxteacd", max_size=5)
quota_resources = st.builds(responses.QuotaResource, values.words, values.numbers64, values.numbers64)
fetch_values = st.one_of(
    st.binary(max_size=40).map(lambda octets: string(octets.replace(b"\0", b""))),
    st.sampled_from([b"NIL", b"17", b"(\\Seen keyword)", b'(("a" NIL)(("b)" {3}\r\n) ( x) "\\""))', b"()"]),
)
fetch_items = st.lists(st.tuples(values.fetch_attributes.map(fetch.label), fetch_values), max_size=4).map(
    tuple
)
unsorted = in_order.filter(lambda numbers: list(numbers) != sorted(numbers))
moved = st.lists(st.tuples(values.numbers, values.uid_sets), max_size=2).map(tuple)
partial_results = st.tuples(values.partial_ranges.map(str), st.one_of(st.none(), values.uid_sets, unsorted))


@st.composite
def forests(draw: st.DrawFn) -> ThreadEntries:
    """Trees as THREAD may say them: a message that is not here stands at the top, over two at least."""
    entries: list[tuple[int, int | None]] = []
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            entries.append((0, draw(values.nz_numbers)))
        else:
            entries += [(0, None), (1, draw(values.nz_numbers)), (1, draw(values.nz_numbers))]
        for _ in range(draw(st.integers(0, 6))):
            depth = draw(st.integers(1, entries[-1][0] + 1))
            entries.append((depth, draw(values.nz_numbers)))
    return tuple(entries)


all_responses = st.one_of(
    st.builds(
        responses.StatusResponse,
        st.sampled_from(responses.Condition),
        plain_text,
        st.one_of(st.just(b""), codes.map(lambda code: code.encode())),
        values.optional(values.tags),
    ),
    st.builds(responses.Continuation, plain_text),
    st.builds(responses.CapabilityData, capabilities),
    st.builds(responses.EnabledData, st.one_of(st.just(()), capabilities)),
    st.builds(responses.IdData, values.id_parameters),
    st.builds(responses.FlagsData, values.flag_lists),
    st.builds(responses.CountData, st.sampled_from(responses.Count), values.numbers),
    st.builds(responses.VanishedData, values.uid_sets, st.booleans()),
    st.builds(
        responses.ListData,
        values.names,
        st.lists(st.sampled_from(["\\HasChildren", "\\Noselect", "\\Drafts"]), unique=True).map(tuple),
        delimiters,
        st.lists(st.just("SUBSCRIBED"), max_size=1).map(tuple),
        values.optional(values.names),
        st.booleans(),
    ),
    st.builds(responses.StatusData, values.names, st.lists(status_values, max_size=4).map(tuple)),
    st.builds(responses.NamespaceData, namespaces, namespaces, namespaces),
    st.builds(
        responses.AclData,
        values.names,
        st.lists(st.tuples(values.texts, letters), max_size=3).map(tuple),
    ),
    st.builds(
        responses.ListRightsData,
        values.names,
        values.texts,
        letters,
        st.lists(letters, max_size=4).map(tuple),
    ),
    st.builds(responses.MyRightsData, values.names, letters),
    st.builds(
        responses.MetadataData,
        values.names,
        st.lists(
            st.tuples(values.entries, values.optional(values.annotation_values)), min_size=1, max_size=3
        ).map(tuple),
    ),
    st.builds(responses.QuotaData, values.texts, st.lists(quota_resources, max_size=3).map(tuple)),
    st.builds(responses.QuotaRootData, values.names, st.lists(values.texts, max_size=2).map(tuple)),
    st.builds(
        responses.SearchData,
        st.lists(values.nz_numbers, max_size=8).map(tuple),
        values.optional(values.numbers64),
        st.booleans(),
    ),
    st.builds(
        responses.EsearchData,
        values.optional(values.tags),
        st.booleans(),
        values.optional(values.numbers),
        values.optional(values.numbers),
        values.optional(values.uid_sets),
        values.optional(values.numbers),
        values.optional(values.numbers64),
        values.optional(partial_results),
    ),
    st.builds(
        responses.EsearchData,
        values.optional(values.tags),
        st.booleans(),
        mailbox=values.optional(values.names),
        uidvalidity=values.optional(values.nz_numbers),
        add_to=moved,
        remove_from=moved,
    ),
    st.builds(
        lambda tag, numbers, scores: responses.EsearchData(tag, in_order=numbers, relevancy=scores),
        values.tags,
        unsorted,
        st.lists(st.integers(1, 100), max_size=8).map(tuple),
    ),
    st.builds(
        responses.MetadataChanged,
        values.names,
        st.lists(st.sampled_from(["/private/comment", "/shared/vendor/x/y"]), min_size=1, max_size=3).map(
            tuple
        ),
    ),
    st.builds(ThreadData, forests()),
    st.builds(responses.GenUrlAuthData, st.lists(values.texts, min_size=1, max_size=3).map(tuple)),
    st.builds(responses.UrlFetchData, values.texts, values.optional(values.octets)),
    st.builds(responses.FetchData, values.nz_numbers, fetch_items, st.booleans()),
)
