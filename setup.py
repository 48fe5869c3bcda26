"""The packages: all below `src`, and the flows, whose name once installed is `adrisk_pipelines`."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("src"), "adrisk_pipelines"],
    package_dir={"": "src", "adrisk_pipelines": "pipelines"},
)
