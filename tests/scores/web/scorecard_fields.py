"""What the form of a scorecard sends, as a browser would."""


def fields_of(document, *, note="Paying on time counts for more.", revision=1, **more):
    sent = {"note": note, "revision": revision, "version": document["version"], "base": document["base"], **more}
    sent |= {"range.min": document["range"]["min"], "range.max": document["range"]["max"]}
    sent["thin_file.min_entries"] = document["thin_file"]["min_entries"]
    for name in ("bands", "factors"):
        for place, one in enumerate(document[name]):
            sent |= {f"{name}[{place}].{key}": value for key, value in one.items()}
    for code, purpose in document["purposes"].items():
        sent[f"purposes.{code}.factors"] = list(purpose["factors"])
        for place, need in enumerate(purpose["needs"]):
            sent[f"purposes.{code}.needs[{place}].any"] = list(need["any"])
            sent[f"purposes.{code}.needs[{place}].entries"] = need["entries"]
    for place, rule in enumerate(document["rules"]):
        sent |= {f"rules[{place}].{key}": value for key, value in rule.items() if key not in ("bins", "fades")}
        if rule["fades"]:
            sent[f"rules[{place}].fades"] = "true"
        for at, bin in enumerate(rule["bins"]):
            sent |= {f"rules[{place}].bins[{at}].{key}": value for key, value in bin.items()}
    return sent
