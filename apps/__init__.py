"""The Streamlit apps."""
