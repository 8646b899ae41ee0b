"""What jaxxstorm/sentinel left behind where this store begins."""

from loguru import logger

from sentinel.config import Config
from sentinel.sources.room import Earlier
from sentinel.sources.tailnet import original_state
from sentinel.store.protocol import Contents


def earlier(config: Config, contents: Contents) -> dict[str, Earlier]:
    """What its state file says of each source, if `state.path` names one and nothing was ever seen here.

    The file is read and left alone; one that cannot be used is said once and makes a first sight like any other.
    """
    path = config.state.path
    if path == config.state.store_path or not path.exists() or any(source.based for source in contents.sources):
        return {}
    fields = logger.bind(file=str(path))
    try:
        original = original_state.parse(path.read_bytes())
    except (OSError, ValueError) as error:
        fields.bind(error=str(error)).warning("the state file cannot be used: what is seen first is no news")
        return {}
    if original is None:
        fields.info("the state file has nothing that could be compared: what is seen first is no news")
        return {}
    fields.bind(peers=len(original.peers)).info("what is seen first is compared with the state file")
    return dict.fromkeys(config.sources, original_state.earlier(original))
