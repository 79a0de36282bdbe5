"""Push subscriptions of the caller's browsers. Clients spell the path in two ways; both are served."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Response

from mailkeep_api.deps import ServicesDep, Subscriber
from mailkeep_api.schemas.push import NewSubscription, PublicKey, ShownSubscription

_routes = APIRouter(tags=["push"])


@_routes.get("/vapid-public-key", summary="What a browser subscribes with")
async def vapid_public_key(services: ServicesDep) -> PublicKey:
    """Public, as the key is: it proves nothing but that pushes are ours."""
    return PublicKey(public_key=(await services.pusher.key()).public)


@_routes.post(
    "",
    summary="Push news to a browser",
    status_code=201,
    responses={200: {"model": ShownSubscription, "description": "It is the caller's already"}},
)
async def subscribe(
    body: NewSubscription, caller: Subscriber, services: ServicesDep, response: Response
) -> ShownSubscription:
    """The endpoint is an https URL on a public address."""
    kept, is_new = await services.pusher.subscribe(
        caller.user_id, body.endpoint, body.p256dh_key, body.auth_key
    )
    response.status_code = 201 if is_new else 200
    return ShownSubscription.of(kept)


@_routes.delete("/{subscription_id:uuid}", summary="Push no more to a browser", status_code=204)
async def unsubscribe(subscription_id: UUID, caller: Subscriber, services: ServicesDep) -> Response:
    """Its push service is not told."""
    await services.store.push.remove(caller.user_id, subscription_id)
    return Response(status_code=204)


router = APIRouter()
router.include_router(_routes, prefix="/api/push-subscriptions")
router.include_router(_routes, prefix="/api/pushsubscriptions", include_in_schema=False)
