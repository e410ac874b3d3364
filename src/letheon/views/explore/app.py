"""The application: the page, and what it asks for."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from importlib import resources
from typing import Annotated, Any

from fastapi import Body, FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from letheon._version import __version__
from letheon.definitions import RESEARCH_NOTICE
from letheon.errors import InputError, LetheonError
from letheon.scenario import Scenario, loads
from letheon.views.explore import limits
from letheon.views.explore.answers import QUESTIONS
from letheon.views.explore.compute import Cancelled
from letheon.views.explore.guard import Guard
from letheon.views.explore.limits import LIMITS, Limits
from letheon.views.explore.pool import Full, Pool
from letheon.views.explore.presets import presets
from letheon.views.explore.reading import form, grammar
from letheon.views.subjects.names import SUPPORT

__all__ = ["create"]

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_REFUSED = {"description": "A sentence that says what cannot be used, and what would work."}
_SENTENCE = {
    "application/json": {
        "schema": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
    }
}
_COMMON: dict[int | str, dict[str, Any]] = {
    status: {"description": told, "content": _SENTENCE}
    for status, told in {
        400: "The request is not JSON, or names a host that is not this one.",
        401: "The token is missing.",
        413: "The request is too large.",
        422: _REFUSED["description"],
        429: "Too many requests wait already.",
    }.items()
}
_LEFT_S = 0.05  # how often to look whether a visitor has gone
_EXAMPLE = {
    "letheon": 1,
    "title": "Ten outpatient days",
    "population": {"n": 100},
    "follow_up": "4 weeks",
    "arms": {
        "ten_days": {
            "drug": "racemic",
            "sessions": [{"at": "day 1", "rate": "25 mg/h", "for": "4 h", "repeat": {"every": "1 day", "times": "10"}}],
        },
        "placebo": {"drug": "placebo", "like": "ten_days"},
    },
}
Given = Annotated[
    str | dict[str, Any],
    Body(
        embed=True,
        alias="scenario",
        description="A scenario: the text of a scenario file (YAML or JSON), or the same as an object.",
        examples=[_EXAMPLE],
    ),
]


Draft = Annotated[
    bool,
    Query(
        description="Whether intervals may be borrowed from the last whole answer, for speed while a slider moves; "
        "the answer says in `draft` whether they are."
    ),
]


class _Service:
    """What the endpoints share: limits, workers, and whether these are warm."""

    def __init__(self, limits: Limits, lanes: int, warm: bool):
        self.limits, self.lanes, self.wants_warmth = limits, lanes, warm
        self.pool: Pool | None = None
        self.ready = not warm

    def start(self) -> None:
        self.pool = Pool(self.lanes, self.limits.seconds, self.limits.waiting)
        if self.wants_warmth:
            self._warm_up()

    def _warm_up(self) -> None:
        """Compile what a first visitor asks for, and then, in another lane, the same with the other drug.

        One after the other: both at once would let the first visitor wait longer.
        """
        first, other = (loads(text) for text in _first_scenarios())

        def is_ready(_: Future) -> None:
            self.ready = True
            with suppress(Full):
                self._submit_warm(other, first=False)

        self._submit_warm(first, first=True).add_done_callback(is_ready)

    def _submit_warm(self, scenario: Scenario, first: bool) -> Future:
        assert self.pool is not None
        return self.pool.submit("figures", scenario, kind=limits.kind_of(scenario), first=first)[0]

    def stop(self) -> None:
        if self.pool is not None:
            self.pool.close()

    async def read(self, given: str | dict[str, Any]) -> Scenario:
        """Read a scenario and check it against the limits, beside other requests."""
        return await asyncio.to_thread(self._read, given)

    def _read(self, given: str | dict[str, Any]) -> Scenario:
        try:
            text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            if len(text) > self.limits.characters:
                raise InputError(
                    f"the scenario has {len(text):,} characters; write at most {self.limits.characters:,}, many "
                    "sessions with repeat: {every: 1 day, times: 10}."
                )
            scenario = loads(text, "scenario")
        except RecursionError:
            raise InputError("scenario: brackets are nested too deep; a scenario needs six levels.") from None
        limits.check(scenario, self.limits)
        return scenario

    async def answer(self, action: str, given: str | dict[str, Any], request: Request, slow: bool = False) -> bytes:
        """Read a scenario, have it computed, and stop when the visitor has gone."""
        assert self.pool is not None
        scenario = await self.read(given)
        future, job = self.pool.submit(
            action, scenario, kind=limits.kind_of(scenario), slow=slow or limits.is_slow(scenario)
        )
        try:
            return await _awaited(future, request)
        finally:
            self.pool.leave(job)


async def _awaited(future: Future, request: Request) -> bytes:
    """Wait for a shared future without ending it for the others."""
    loop = asyncio.get_running_loop()
    mine: asyncio.Future = loop.create_future()

    def settle(made: Future) -> None:
        if mine.done():
            return
        if made.cancelled():
            mine.cancel()
        elif (error := made.exception()) is not None:
            mine.set_exception(error)
        else:
            mine.set_result(made.result())

    def tell(made: Future) -> None:
        with suppress(RuntimeError):  # the loop may have ended
            loop.call_soon_threadsafe(settle, made)

    future.add_done_callback(tell)
    while not (await asyncio.wait({mine}, timeout=_LEFT_S))[0]:
        if await request.is_disconnected():
            raise Cancelled("nobody waits for this answer any more.")
    return mine.result()


def _first_scenarios() -> list[str]:
    """Return what the page shows first, and the same with the other drug."""
    return [json.dumps(_page_scenario(one)) for one in presets()[:2]]


def _page_scenario(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Return a preset as the scenario that the page sends; static/scenario.js writes the same text."""

    def plain(value: float) -> str:
        return f"{value:.10g}"

    sessions = [
        {
            "at": f"{plain(row['at_h'])} h",
            "rate": f"{plain(row['rate'])} mg/h{'/70kg' if row['by_weight'] else ''}",
            "for": f"{plain(row['hours'])} h",
            "repeat": {"every": f"{plain(row['every_h'])} h", "times": row["times"]},
        }
        for row in preset["sessions"]
    ]
    return {
        "letheon": 1,
        "title": "Ketamine infusions compared",
        "population": {"n": 500, "weight": "79 ± 19 kg", "baseline_nrs": "7.3 ± 2 NRS"},
        "follow_up": "26 weeks",
        "seed": 1,
        "arms": {
            preset["name"]: {"drug": preset["drug"], "sessions": sessions},
            "placebo": {"drug": "placebo", "like": preset["name"]},
        },
    }


def _files() -> dict[str, tuple[bytes, str]]:
    """Read the page once: what is served comes from this table, never from a path that a visitor names."""
    folder = resources.files("letheon.views.explore") / "static"
    found = {}
    for entry in folder.iterdir():
        kind = entry.name.rpartition(".")[2]
        if kind in _TYPES:
            found[entry.name] = entry.read_bytes(), f"{_TYPES[kind]}; charset=utf-8"
    return found


def _sentence(status: int, text: str) -> JSONResponse:
    # a lone surrogate has no UTF-8
    told = text.encode("utf-8", "backslashreplace").decode()
    return JSONResponse({"detail": told}, status_code=status, headers={"cache-control": "no-store"})


def _refusals(app: FastAPI) -> None:
    """Answer what cannot be done with one sentence."""

    @app.exception_handler(InputError)
    async def _(request: Request, error: InputError) -> Response:
        return _sentence(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def _(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first.get("type") == "json_invalid":
            return _sentence(422, "the request is not valid JSON.")
        place = ".".join(str(part) for part in first.get("loc", ())[1:2]) or "the request"
        return _sentence(422, f'{place}: send a JSON object such as {{"scenario": "letheon: 1 ..."}}.')

    @app.exception_handler(Full)
    async def _(request: Request, error: Full) -> Response:
        made = _sentence(429, str(error))
        made.headers["retry-after"] = "2"
        return made

    @app.exception_handler(Cancelled)
    async def _(request: Request, error: Cancelled) -> Response:
        return _sentence(429, str(error))

    @app.exception_handler(LetheonError)
    async def _(request: Request, error: LetheonError) -> Response:
        return _sentence(500, str(error))


def create(
    token: str = "",
    *,
    lanes: int = 3,
    warm: bool = True,
    bounds: Limits = LIMITS,
    hosts: tuple[str, ...] = (),
    port: int = 80,
) -> FastAPI:
    """Make the application.

    Parameters
    ----------
    token : str
        What a visitor must show; "" where only this machine can ask.
    lanes : int
        Worker processes.
    warm : bool
        Whether to compile what the first visitor needs as soon as the application starts.
    bounds : Limits
        Bounds on one request.
    hosts : tuple of str
        Further names under which the page may be asked for, beside those of this machine; with a token any will do.
    port : int
        The port that it is served on.

    Returns
    -------
    FastAPI
        The application; its description is at ``/openapi.json``.
    """
    service = _Service(bounds, lanes, warm)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await asyncio.to_thread(service.stop)

    app = FastAPI(
        title="Letheon",
        version=__version__,
        summary="Simulates intravenous ketamine for Complex Regional Pain Syndrome.",
        description=RESEARCH_NOTICE,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # its address would be made of the name that a visitor gave
        lifespan=life,
    )
    names = ("127.0.0.1", "localhost", "[::1]", *hosts)
    app.add_middleware(Guard, token=token, body_bytes=bounds.body_bytes, names=names, port=port)  # type: ignore[arg-type]
    _refusals(app)
    _add_page(app)
    _add_api(app, service)
    return app


def _add_page(app: FastAPI) -> None:
    files = _files()

    def add(path: str, name: str) -> None:
        content, kind = files[name]

        async def serve() -> Response:
            return Response(content, media_type=kind, headers={"cache-control": "no-cache"})

        app.add_api_route(path, serve, include_in_schema=False, methods=["GET"])

    add("/", "index.html")
    for name in files:
        add(f"/static/{name}", name)


def _add_api(app: FastAPI, service: _Service) -> None:
    fresh = {"cache-control": "no-store"}
    shared: dict[int | str, dict[str, Any]] = {status: _COMMON[status] for status in (400, 401)}

    @app.get("/api/status", responses=shared, summary="Whether programs are being compiled, and what may be asked.")
    async def status() -> dict[str, Any]:
        bounds = service.limits
        return {
            "state": "ready" if service.ready else "preparing",
            "preparing": service.pool is not None and service.pool.preparing,
            "version": __version__,
            "limits": {
                "patients": bounds.patients,
                "days": bounds.days,
                "arms": bounds.arms,
                "infusions": bounds.infusions,
            },
            "grammar": grammar(),
            "questions": dict(QUESTIONS),
            "support": dict(SUPPORT),
        }

    @app.get("/api/presets", responses=shared, summary="Published regimens.")
    async def published() -> list[dict[str, Any]]:
        return presets()

    @app.post("/api/read", responses=_COMMON, summary="Read a scenario, and return it as the page's controls show it.")
    async def read(scenario: Given) -> dict[str, Any]:
        return form(await service.read(scenario))

    @app.post("/api/simulate", responses=_COMMON, summary="Simulate a scenario; what the page draws.")
    async def simulate(request: Request, scenario: Given, draft: Draft = False) -> Response:
        made = await service.answer("draft" if draft else "figures", scenario, request)
        return Response(made, media_type="application/json", headers=fresh)

    @app.post(
        "/api/document",
        responses=_COMMON,
        summary="Simulate a scenario; the result document of letheon simulate --json.",
    )
    async def document(request: Request, scenario: Given) -> Response:
        made = await service.answer("document", scenario, request)
        return Response(made, media_type="application/json", headers=fresh)

    report = {200: {"content": {"text/html": {"schema": {"type": "string"}}}, "description": "One HTML file."}}

    @app.post(
        "/api/report", responses=_COMMON | report, response_class=Response, summary="Simulate a scenario; its report."
    )
    async def made_report(request: Request, scenario: Given) -> Response:
        made = await service.answer("report", scenario, request)
        headers = fresh | {"content-disposition": 'attachment; filename="letheon-report.html"'}
        return Response(made, media_type="text/html", headers=headers)
