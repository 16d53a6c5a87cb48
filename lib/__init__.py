"""The register of prospects: everything but the pages. Nothing here outside `lib.ui` imports streamlit."""
