"""Hypothesis strategies for all that the IMAP engine can encode: each value is one that a peer could send."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from unicodedata import normalize

from hypothesis import strategies as st

from mailkeep.imap.charsets import CHARSETS, codec_of
from mailkeep.imap.commands import (
    acl,
    append,
    authenticate,
    copy,
    fetch,
    idle,
    list,
    mailbox,
    mailbox_filters,
    metadata,
    multisearch,
    notify,
    quota,
    replace,
    search,
    session,
    sort,
    store,
    thread,
    urlauth,
)
from mailkeep.imap.sequence import SAVED_RESULT, STAR, SequenceSet
from mailkeep.model.annotations import Depth
from mailkeep.model.flags import FlagAction
from mailkeep.model.rights import ORDER, Rights, RightsAction, RightsChange
from mailkeep.model.uids import UidSet

ATOM_CHARS = "ABCXYZabcxyz019!#$&'+,-./:;<=>?@[^_`|}~"
numbers = st.integers(0, 0xFFFFFFFF)
nz_numbers = st.integers(1, 0xFFFFFFFF)
numbers64 = st.integers(0, (1 << 63) - 1)
octets = st.binary(max_size=60).map(lambda value: value.replace(b"\0", b"\1"))
messages = st.one_of(
    octets, st.binary(min_size=1000, max_size=1100).map(lambda value: value.replace(b"\0", b"."))
)
atoms = st.text(ATOM_CHARS, min_size=1, max_size=12)
words = st.text("ABCXYZ019-=", min_size=1, max_size=12)
tags = st.text("ABCabc019.]/#", min_size=1, max_size=10)
texts = st.text(max_size=30).map(lambda value: value.replace("\0", "\1"))
flags = st.one_of(atoms, atoms.map(lambda atom: "\\" + atom))
flag_lists = st.lists(flags, max_size=4).map(tuple)


def _name(text: str) -> str:
    return "INBOX" if text.encode().upper() == b"INBOX" else normalize("NFC", text)


_NAME_CHARACTERS = st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\u2028\u2029")
names = st.one_of(
    st.sampled_from(
        ["INBOX", "INBOX/a", "nil", "NIL", "", "&", "a&b", "{3}", 'a"b', "a\\b", "~peter/mail/台北/日本語"]
    ),
    st.text(_NAME_CHARACTERS, max_size=20),
    st.text("&-,/+Aä台😀 %*", max_size=20),
).map(_name)

entries = st.builds(
    "{}/{}".format,
    st.sampled_from(["/private", "/SHARED", "/shared/vendor/x"]),
    st.text('abcXYZ019 _-."\\(){}', min_size=1, max_size=9),
)
annotation_values = st.one_of(st.binary(max_size=30), st.binary(min_size=1000, max_size=1010))
rights = st.frozensets(st.sampled_from(ORDER)).map(Rights)
positions = st.one_of(st.just(STAR), nz_numbers)
sequence_sets = st.one_of(
    st.just(SAVED_RESULT),
    st.lists(
        st.one_of(st.tuples(positions, positions), positions.map(lambda number: (number, number))),
        min_size=1,
        max_size=5,
    ).map(lambda ranges: SequenceSet(tuple(ranges))),
)
ranges_only = sequence_sets.filter(lambda value: not value.saved)
uid_sets = st.sets(st.integers(1, 200), min_size=1, max_size=20).map(UidSet.of)
zones = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
date_times = st.builds(
    lambda moment, zone: moment.replace(microsecond=0, tzinfo=zone),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30, 23, 59, 59)),
    st.one_of(zones, st.just(UTC)),
)
dates = st.dates(date(1, 1, 1), date(9999, 12, 31))
partial_ranges = st.builds(
    lambda first, last, sign: fetch.PartialRange(sign * first, sign * last),
    nz_numbers,
    nz_numbers,
    st.sampled_from([1, -1]),
)


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """None as well."""
    return st.one_of(st.none(), values)


def several(values: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[Any]:
    """A tuple of up to four, each once."""
    return st.lists(values, min_size=least, max_size=4, unique=True).map(tuple)


# --- FETCH ------------------------------------------------------------------------------------------

parts = st.lists(nz_numbers, max_size=4).map(tuple)
some_parts = st.lists(nz_numbers, min_size=1, max_size=4).map(tuple)
field_names = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12).map(
    str.encode
)
field_lists = st.lists(field_names, min_size=1, max_size=3).map(tuple)
sections = st.one_of(
    st.builds(
        fetch.Section, parts, st.sampled_from([None, fetch.SectionText.HEADER, fetch.SectionText.TEXT])
    ),
    st.builds(fetch.Section, some_parts, st.just(fetch.SectionText.MIME)),
    st.builds(
        fetch.Section,
        parts,
        st.sampled_from([fetch.SectionText.HEADER_FIELDS, fetch.SectionText.HEADER_FIELDS_NOT]),
        field_lists,
    ),
)
partials = optional(st.builds(fetch.Partial, numbers, nz_numbers))
fetch_attributes = st.one_of(
    st.sampled_from(fetch.FetchItem),
    st.builds(fetch.BodySection, sections, st.booleans(), partials),
    st.builds(fetch.BinarySection, parts, st.booleans(), partials),
    st.builds(fetch.BinarySize, parts),
)
fetches = st.builds(
    fetch.Fetch,
    tags,
    sequence_sets,
    several(fetch_attributes, 1),
    st.booleans(),
    optional(numbers64),
    st.booleans(),
    optional(partial_ranges),
).filter(lambda command: not command.vanished or (command.uid and command.changed_since is not None))


# --- SEARCH, SORT, THREAD ---------------------------------------------------------------------------


def search_keys(charset: str | None) -> st.SearchStrategy[Any]:
    """Trees of keys with texts that the charset can carry."""
    codec = codec_of(charset)
    fitting = texts.filter(lambda text: _fits(text, codec))
    leaves = st.one_of(
        st.sampled_from(search.PlainKey),
        st.builds(
            search.KeywordKey, st.sampled_from(search.KeywordTest), atoms.filter(lambda a: "]" not in a)
        ),
        st.builds(search.TextKey, st.sampled_from(search.TextField), fitting),
        st.builds(search.HeaderKey, texts, fitting),
        st.builds(search.DateKey, st.sampled_from(search.DateTest), dates),
        st.builds(search.NumberKey, st.sampled_from(search.NumberTest), nz_numbers),
        st.builds(search.SequenceKey, sequence_sets),
        st.builds(search.UidKey, sequence_sets),
        st.builds(search.ModseqKey, numbers64),
        st.builds(
            search.ModseqKey,
            numbers64,
            st.text("/flags\\", min_size=1),
            st.sampled_from(["priv", "shared", "all"]),
        ),
        st.builds(search.ObjectIdKey, st.sampled_from(search.ObjectIdTest), atoms),
    )
    return st.recursive(
        leaves,
        lambda keys: st.one_of(
            st.builds(search.NotKey, keys),
            st.builds(search.OrKey, keys, keys),
            st.builds(search.FuzzyKey, keys),
            st.builds(search.AndKey, st.lists(keys, min_size=1, max_size=3).map(tuple)),
        ),
        max_leaves=6,
    )


def _fits(text: str, codec: str) -> bool:
    try:
        return text.encode(codec).decode(codec) == text
    except UnicodeEncodeError:
        return False


def programs(charset: str | None) -> st.SearchStrategy[Any]:
    """What stands at the end of SEARCH, SORT and THREAD."""
    return st.lists(search_keys(charset), min_size=1, max_size=3).map(tuple)


plain_options = st.builds(
    search.SearchOptions, several(st.sampled_from(search.SearchReturn)), optional(partial_ranges)
)
search_options = optional(
    plain_options
    | st.builds(
        search.SearchOptions,
        several(st.sampled_from(search.SearchReturn)).filter(
            lambda items: search.SearchReturn.UPDATE in items
        ),
        optional(partial_ranges),
        several(fetch_attributes, 1),
    )
)
criteria = st.lists(
    st.builds(sort.SortCriterion, st.sampled_from(sort.SortField), st.booleans()), min_size=1, max_size=3
).map(tuple)
searches = st.sampled_from([None, *CHARSETS]).flatmap(
    lambda charset: st.builds(
        search.Search, tags, programs(charset), st.booleans(), st.just(charset), search_options
    )
)
sorts = st.sampled_from(CHARSETS).flatmap(
    lambda charset: st.builds(
        sort.Sort, tags, criteria, st.just(charset), programs(charset), st.booleans(), search_options
    )
)
filters = st.one_of(
    st.builds(
        mailbox_filters.MailboxFilter,
        st.sampled_from(mailbox_filters.FilterKind).filter(
            lambda kind: (
                kind not in mailbox_filters.NAMING and kind is not mailbox_filters.FilterKind.SELECTED_DELAYED
            )
        ),
    ),
    st.builds(
        mailbox_filters.MailboxFilter,
        st.sampled_from(sorted(mailbox_filters.NAMING, key=str)),
        st.lists(names, min_size=1, max_size=3).map(tuple),
    ),
)
multi_searches = st.sampled_from([None, *CHARSETS]).flatmap(
    lambda charset: st.builds(
        multisearch.MultiSearch,
        tags,
        programs(charset),
        st.lists(filters, max_size=3).map(tuple),
        st.just(charset),
        search_options,
    )
)
of_messages = st.sampled_from(
    [
        (),
        (notify.NotifyEvent.MESSAGE_NEW, notify.NotifyEvent.MESSAGE_EXPUNGE),
        (notify.NotifyEvent.FLAG_CHANGE, notify.NotifyEvent.MESSAGE_EXPUNGE, notify.NotifyEvent.MESSAGE_NEW),
    ]
)
of_mailboxes = several(st.sampled_from(sorted(set(notify.NotifyEvent) - notify.OF_MESSAGES, key=str)))
other_filters = filters.filter(
    lambda wanted: (
        wanted.kind not in mailbox_filters.OF_SELECTED
        and wanted.kind is not mailbox_filters.FilterKind.SUBTREE_ONE
    )
)
groups = st.one_of(
    st.builds(
        lambda wanted, messages, others, unknown: notify.EventGroup(
            wanted, (*messages, *others), (), unknown
        ),
        other_filters,
        of_messages,
        of_mailboxes,
        st.lists(st.sampled_from(["AnnotationChange", "X-Other"]), max_size=2).map(tuple),
    ),
)
selected_groups = st.builds(
    lambda kind, messages, shown: notify.EventGroup(
        mailbox_filters.MailboxFilter(kind), messages, shown if messages else ()
    ),
    st.sampled_from(sorted(mailbox_filters.OF_SELECTED, key=str)),
    of_messages,
    several(fetch_attributes),
)
notifies = st.one_of(
    st.builds(notify.Notify, tags, st.none()),
    st.builds(
        lambda tag, first, rest, status: notify.Notify(tag, (first, *rest), status),
        tags,
        st.one_of(groups, selected_groups),
        st.lists(groups, max_size=2),
        st.booleans(),
    ),
)
threads = st.sampled_from(CHARSETS).flatmap(
    lambda charset: st.builds(thread.Thread, tags, words, st.just(charset), programs(charset), st.booleans())
)


# --- the rest ---------------------------------------------------------------------------------------

id_fields = st.text(max_size=7).map(lambda value: value.replace("\0", "\1"))
id_parameters = optional(st.lists(st.tuples(id_fields, optional(id_fields)), max_size=4).map(tuple))
qresync = st.builds(
    lambda validity, modseq, known, match: mailbox.QresyncParameters(validity, modseq, known, *match),
    nz_numbers,
    numbers64,
    optional(ranges_only),
    st.one_of(st.just((None, None)), st.tuples(ranges_only, ranges_only)),
)
append_messages = st.one_of(
    st.builds(append.AppendMessage, messages, flag_lists, optional(date_times)),
    st.builds(append.AppendMessage, st.binary(max_size=20), flag_lists, optional(date_times), st.just(True)),
    st.builds(append.AppendMessage, octets, flag_lists, optional(date_times), st.just(True), st.just(True)),
)
cat_parts = st.one_of(
    st.builds(append.CatText, octets),
    st.builds(append.CatText, st.binary(max_size=20), st.just(True), st.booleans()),
    st.builds(append.CatUrl, texts),
)
append_messages |= st.builds(
    append.AppendMessage, st.lists(cat_parts, min_size=1, max_size=3).map(tuple), flag_lists
)
single = st.one_of(st.just(STAR), nz_numbers).map(lambda number: SequenceSet(((number, number),)))
status_items = several(st.sampled_from(mailbox.StatusItem), 1)
select_options = several(
    st.sampled_from([list.SelectOption.SUBSCRIBED, list.SelectOption.SPECIAL_USE, list.SelectOption.REMOTE])
)
lists = st.one_of(
    st.builds(list.List, tags, names, names.map(lambda name: (name,))),
    st.builds(
        list.List,
        tags,
        names,
        st.lists(names, min_size=1, max_size=3).map(tuple),
        select_options,
        several(st.sampled_from(list.ReturnOption)),
        several(st.sampled_from(mailbox.StatusItem)),
        st.just(True),
        several(entries),
    ),
)
commands = st.one_of(
    *(
        st.builds(kind, tags)
        for kind in (
            session.Capability,
            session.Noop,
            session.Logout,
            session.StartTls,
            session.Unauthenticate,
            mailbox.Close,
            mailbox.Unselect,
            mailbox.Check,
            list.Namespace,
            idle.Idle,
        )
    ),
    st.builds(session.Id, tags, id_parameters),
    st.builds(session.Enable, tags, st.lists(words, min_size=1, max_size=3).map(tuple)),
    st.builds(session.Compress, tags, words),
    st.builds(authenticate.Authenticate, tags, words, optional(st.binary(max_size=80))),
    st.builds(authenticate.Login, tags, octets, octets),
    st.builds(mailbox.Select, tags, names, st.booleans(), optional(qresync)),
    st.builds(mailbox.Examine, tags, names, st.booleans(), optional(qresync)),
    st.builds(mailbox.Create, tags, names, flag_lists),
    st.builds(mailbox.Rename, tags, names, names),
    *(st.builds(kind, tags, names) for kind in (mailbox.Delete, mailbox.Subscribe, mailbox.Unsubscribe)),
    st.builds(mailbox.Status, tags, names, status_items),
    st.builds(mailbox.Expunge, tags, optional(sequence_sets)),
    lists,
    st.builds(list.Lsub, tags, names, names),
    st.builds(append.Append, tags, names, st.lists(append_messages, min_size=1, max_size=3).map(tuple)),
    st.builds(
        replace.Replace,
        tags,
        st.builds(append.ReplacedMessage, single, st.booleans()),
        names,
        append_messages,
    ),
    multi_searches,
    notifies,
    st.builds(multisearch.CancelUpdate, tags, st.lists(tags, min_size=1, max_size=3).map(tuple)),
    st.builds(urlauth.ResetKey, tags),
    st.builds(urlauth.ResetKey, tags, names, st.lists(words, max_size=2).map(tuple)),
    st.builds(urlauth.GenUrlAuth, tags, st.lists(st.tuples(texts, words), min_size=1, max_size=3).map(tuple)),
    st.builds(urlauth.UrlFetch, tags, st.lists(texts, min_size=1, max_size=3).map(tuple)),
    fetches,
    searches,
    sorts,
    threads,
    st.builds(
        store.Store,
        tags,
        sequence_sets,
        st.sampled_from(FlagAction),
        flag_lists,
        st.booleans(),
        st.booleans(),
        optional(numbers64),
    ),
    *(st.builds(kind, tags, sequence_sets, names, st.booleans()) for kind in (copy.Copy, copy.Move)),
    st.builds(acl.SetAcl, tags, names, texts, st.builds(RightsChange, st.sampled_from(RightsAction), rights)),
    *(st.builds(kind, tags, names, texts) for kind in (acl.DeleteAcl, acl.ListRights)),
    *(st.builds(kind, tags, names) for kind in (acl.GetAcl, acl.MyRights)),
    st.builds(
        metadata.GetMetadata,
        tags,
        names,
        several(entries, 1),
        optional(numbers),
        st.sampled_from(Depth),
    ),
    st.builds(metadata.SetMetadata, tags, names, several(st.tuples(entries, optional(annotation_values)), 1)),
    st.builds(quota.GetQuota, tags, texts),
    st.builds(quota.GetQuotaRoot, tags, names),
    st.builds(quota.SetQuota, tags, texts, several(st.tuples(words, numbers64))),
)
