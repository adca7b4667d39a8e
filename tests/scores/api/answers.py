"""What is asserted of many answers alike."""

from typing import Any


def assert_problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The answer is this refusal, in the form every refusal has; return its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"/docs/errors#{code}"
    assert body["title"]
    return body


def assert_points(text: str) -> None:
    """Points are decimal text with exactly six decimals."""
    whole, _, decimals = text.partition(".")
    assert len(decimals) == 6
    int(whole)
    int(decimals)
