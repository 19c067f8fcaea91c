"""DRS base URL and paths: every operation posts to its own name, tags hang on the resource's ARN."""

from simulator.drs.responses import DRSResponse

url_bases = [r"https?://drs\.(.+)\.amazonaws\.com"]

# Two patterns serve all operations; moto's router finds the operation from botocore's model.
url_paths = {
    "{0}/(?P<operation>[A-Za-z]+)$": DRSResponse.dispatch,
    "{0}/tags/(?P<resourceArn>.+)$": DRSResponse.dispatch,
}
