"""LIST, LSUB, SUBSCRIBE, NAMESPACE: RFC 9051 sections 6.3.7 to 6.3.10, RFC 3501 section 6.3.9, RFC 6154."""

from __future__ import annotations

from tests.support.imap_host import Client


def test_a_new_account_has_its_mailboxes_with_their_uses(client: Client) -> None:
    client.play(
        r"""
        C: a LIST "" "*"
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * LIST (\HasNoChildren \Archive) "/" Archive
        S: * LIST (\HasNoChildren \Drafts) "/" Drafts
        S: * LIST (\HasNoChildren \Junk) "/" Junk
        S: * LIST (\HasNoChildren \Sent) "/" Sent
        S: * LIST (\HasNoChildren \Trash) "/" Trash
        S: a OK LIST completed.
        C: b LIST "" ""
        S: * LIST (\Noselect) "/" ""
        S: b OK LIST completed.
        C: c LIST "" nothing
        S: c OK LIST completed.
        """
    )


def test_wildcards(client: Client) -> None:
    for name in ("a/b/c", "ab/c", "INBOX/in"):
        client.command(f"CREATE {name}")
    client.play(
        r"""
        C: a LIST "" a%
        S: * LIST (\HasChildren) "/" a
        S: * LIST (\HasChildren) "/" ab
        S: a OK ...
        C: b LIST "" a*c
        S: * LIST (\HasNoChildren) "/" a/b/c
        S: * LIST (\HasNoChildren) "/" ab/c
        S: b OK ...
        C: c LIST "" %/c
        S: * LIST (\HasNoChildren) "/" ab/c
        S: c OK ...
        C: d LIST a/ %
        S: * LIST (\HasChildren) "/" a/b
        S: d OK ...
        C: e LIST "" inbox
        S: * LIST (\HasChildren) "/" INBOX
        S: e OK ...
        C: f LIST "" inbox/%
        S: * LIST (\HasNoChildren) "/" INBOX/in
        S: f OK ...
        """
    )


def test_a_pattern_of_wildcards_alone_costs_no_more_than_others(client: Client) -> None:
    client.command(f"CREATE {'a' * 200}")
    assert client.command(f'LIST "" {"*a" * 90}b') == []


def test_subscriptions(client: Client) -> None:
    for name in ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"):
        client.command(f"UNSUBSCRIBE {name}")
    client.play(
        r"""
        C: a LSUB "" *
        S: a OK LSUB completed.
        C: b SUBSCRIBE "not/there/yet"
        S: b OK SUBSCRIBE completed.
        C: c SUBSCRIBE Sent
        S: c OK SUBSCRIBE completed.
        C: d LSUB "" *
        S: * LSUB () "/" Sent
        S: * LSUB (\Noselect) "/" not/there/yet
        S: d OK ...
        C: e LSUB "" %
        S: * LSUB () "/" Sent
        S: * LSUB (\Noselect) "/" not
        S: e OK ...
        C: f LSUB "not/" %
        S: * LSUB (\Noselect) "/" not/there
        S: f OK ...
        C: g UNSUBSCRIBE not/there/yet
        S: g OK UNSUBSCRIBE completed.
        C: h UNSUBSCRIBE not/there/yet
        S: h OK ...
        C: i LSUB "" *
        S: * LSUB () "/" Sent
        S: i OK ...
        """
    )


def test_selecting_subscribed_names(client: Client) -> None:
    """RFC 5258 section 5, example 8 and its neighbours."""
    for name in ("INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"):
        client.command(f"UNSUBSCRIBE {name}")
    for name in ("Fruit/Apple", "Fruit/Banana/Green"):
        client.command(f"CREATE {name}")
    client.command("SUBSCRIBE Fruit/Banana/Green")
    client.command("SUBSCRIBE Gone/Peach")
    client.play(
        r"""
        C: a LIST (SUBSCRIBED) "" *
        S: * LIST (\HasNoChildren \Subscribed) "/" Fruit/Banana/Green
        S: * LIST (\NonExistent \Subscribed) "/" Gone/Peach
        S: a OK ...
        C: b LIST (SUBSCRIBED RECURSIVEMATCH) "" %
        S: * LIST (\HasChildren) "/" Fruit ("CHILDINFO" ("SUBSCRIBED"))
        S: * LIST (\NonExistent) "/" Gone ("CHILDINFO" ("SUBSCRIBED"))
        S: b OK ...
        C: c LIST (RECURSIVEMATCH) "" *
        S: c BAD ...
        C: d LIST () "" ("Fruit" "Fruit/%") RETURN (CHILDREN SUBSCRIBED)
        S: * LIST (\HasChildren) "/" Fruit
        S: * LIST (\HasNoChildren) "/" Fruit/Apple
        S: * LIST (\HasChildren) "/" Fruit/Banana
        S: d OK ...
        C: e LIST (SPECIAL-USE) "" *
        S: * LIST (\HasNoChildren \Archive) "/" Archive
        S: * LIST (\HasNoChildren \Drafts) "/" Drafts
        S: * LIST (\HasNoChildren \Junk) "/" Junk
        S: * LIST (\HasNoChildren \Sent) "/" Sent
        S: * LIST (\HasNoChildren \Trash) "/" Trash
        S: e OK ...
        C: f LIST "" "" RETURN (SPECIAL-USE)
        S: f OK ...
        C: g LIST (NONSENSE) "" *
        S: g BAD ...
        """
    )


def test_namespace(client: Client) -> None:
    client.play(
        """
        C: a NAMESPACE
        S: * NAMESPACE (("" "/")) (("Other Users/" "/")) NIL
        S: a OK NAMESPACE completed.
        """
    )
