"""The caller's labels. A message has a label if one of its entries has the label's keyword, whoever set it:
this API, Thunderbird, or any other IMAP client."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from mailkeep.model.flags import FlagAction
from mailkeep_api import changes, views
from mailkeep_api.deps import PlainReader, PlainWriter, ServicesDep
from mailkeep_api.label_keywords import keyword_for
from mailkeep_api.queries import PagingDep
from mailkeep_api.schemas.emails import EmailList
from mailkeep_api.schemas.labels import LabelAssignment, LabelChange, NewLabel, ShownLabel

router = APIRouter(prefix="/api/labels", tags=["labels"])


@router.get("", summary="The caller's labels, by order and name")
async def list_labels(caller: PlainReader, services: ServicesDep) -> list[ShownLabel]:
    """All of them."""
    return [ShownLabel.of(label) for label in await services.store.labels.list(caller.user_id)]


@router.post("", summary="Make a label", status_code=201)
async def create_label(
    body: NewLabel, caller: PlainWriter, services: ServicesDep, response: Response
) -> ShownLabel:
    """409 for a name that the caller has already."""
    made = await services.store.labels.add(
        caller.user_id, body.name, body.color, body.sort_order or 0, keyword_for(body.name)
    )
    response.headers["Location"] = f"{router.prefix}/{made.id}"
    return ShownLabel.of(made)


@router.put("/{label_id:uuid}", summary="Change a label")
async def change_label(
    label_id: UUID, body: LabelChange, caller: PlainWriter, services: ServicesDep
) -> ShownLabel:
    """What is absent or null stays as it is; so does the keyword, and with it every assignment."""
    changed = await services.store.labels.change(
        caller.user_id, label_id, body.name, body.color, body.sort_order
    )
    return ShownLabel.of(changed)


@router.delete("/{label_id:uuid}", summary="Remove a label", status_code=204)
async def delete_label(label_id: UUID, caller: PlainWriter, services: ServicesDep) -> Response:
    """From every message too. Filters that assigned it assign none."""
    label = await services.store.labels.get(caller.user_id, label_id)
    await changes.forget_keyword(services, caller, label.keyword)
    await services.store.labels.remove(caller.user_id, label_id)
    return Response(status_code=204)


@router.post("/emails/{email_id:uuid}", summary="Label a message", status_code=204)
async def assign_label(
    email_id: UUID, body: LabelAssignment, caller: PlainWriter, services: ServicesDep
) -> Response:
    """Having it already is fine."""
    label = await services.store.labels.get(caller.user_id, body.label_id)
    await changes.set_keyword(services, caller, email_id, label.keyword, FlagAction.ADD)
    return Response(status_code=204)


@router.delete(
    "/emails/{email_id:uuid}/{label_id:uuid}", summary="Take a label from a message", status_code=204
)
async def unassign_label(
    email_id: UUID, label_id: UUID, caller: PlainWriter, services: ServicesDep
) -> Response:
    """Not having it is fine."""
    label = await services.store.labels.get(caller.user_id, label_id)
    await changes.set_keyword(services, caller, email_id, label.keyword, FlagAction.REMOVE)
    return Response(status_code=204)


@router.get("/{label_id:uuid}/emails", summary="Received messages with a label, newest first")
async def labelled_emails(
    label_id: UUID, caller: PlainReader, services: ServicesDep, page: PagingDep
) -> EmailList:
    """As /api/emails lists them."""
    label = await services.store.labels.get(caller.user_id, label_id)
    return await views.labelled(services, caller, label.keyword, page)
